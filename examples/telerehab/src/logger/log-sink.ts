/** Where kept lines go: bind what yours should do with them. */
export abstract class LogSink {
  abstract keep(line: string): void;
}

/** To the terminal. */
export class TerminalSink extends LogSink {
  override keep(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}
