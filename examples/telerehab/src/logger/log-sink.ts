/** Where kept lines go: a file, a database, the live view. */
export abstract class LogSink {
  abstract keep(line: string): void;
}
