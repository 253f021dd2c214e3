import type { Host } from './host.js';

/** What a process that runs a host exits with. */
export const EXIT = {
  /** Asked to stop, and everything that had arrived was handled. */
  drained: 0,
  /** Could not start: environment, contracts, no server. */
  startFailed: 1,
  /** The connection was closed and nobody had asked for it. */
  connectionLost: 2,
  /** Asked to stop, and work was cut off at `drainTimeoutMs`; the log says what. */
  cutOff: 3,
  /** A second SIGINT (130 = 128 + 2) or SIGTERM (143 = 128 + 15) came before the drain was over, or a first one before the host was started. */
  secondSigint: 130,
  secondSigterm: 143,
} as const;

/**
 * Runs a host until SIGTERM or SIGINT, which make it drain, or until it ends by itself. Then the process exits with
 * one of the {@link EXIT} codes; a second signal exits at once.
 *
 * @param host a host, or the promise of one: a start that fails is logged and exits with 1.
 */
export async function runUntilSignal(host: Host | Promise<Host>): Promise<never> {
  let running: Host | undefined;
  let signals = 0;
  const onSignal = (signal: 'SIGINT' | 'SIGTERM') => {
    signals += 1;
    if (signals > 1 || running === undefined)
      process.exit(signal === 'SIGINT' ? EXIT.secondSigint : EXIT.secondSigterm);
    void running.stop();
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  try {
    running = await host;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT.startFailed);
  }
  const report = await running.stopped;
  if (report.error !== undefined) process.exit(EXIT.connectionLost);
  process.exit(report.running + report.waiting > 0 ? EXIT.cutOff : EXIT.drained);
}
