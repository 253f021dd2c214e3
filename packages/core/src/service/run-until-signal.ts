import type { Host } from './host.js';
import { RunningHost } from './running-host.js';

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

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * Runs a host until SIGTERM or SIGINT, which make it drain, or until it ends by itself. Then the process exits with
 * one of the {@link EXIT} codes; a second signal exits at once. A line of log at the level `info` says that the host is
 * started.
 *
 * ```ts
 * await runUntilSignal((signal) => startHost({ transport, services: [UserManagerService], signal }));
 * ```
 *
 * @param host a host, or what starts one: a start that fails is logged and exits with 1. A first signal that comes
 * while it starts aborts what the function was given, so that calls which came already are answered; of a promise of
 * a host nobody can say so, and the process exits at once.
 */
export async function runUntilSignal(
  host: Host | Promise<Host> | ((signal: AbortSignal) => Promise<Host>),
): Promise<never> {
  const start = new AbortController();
  let running: Host | undefined;
  let first: Signal | undefined;
  const onSignal = (signal: Signal) => {
    if (first !== undefined || (running === undefined && typeof host !== 'function')) process.exit(codeOf(signal));
    first = signal;
    start.abort();
    void running?.stop();
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  try {
    running = await (typeof host === 'function' ? host(start.signal) : host);
  } catch (error) {
    if (first !== undefined) process.exit(codeOf(first));
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT.startFailed);
  }
  if (running instanceof RunningHost) running.announce();
  // It may have been started in the same moment.
  if (first !== undefined) void running.stop();
  const report = await running.stopped;
  if (report.error !== undefined) process.exit(EXIT.connectionLost);
  process.exit(report.running + report.waiting > 0 ? EXIT.cutOff : EXIT.drained);
}

const codeOf = (signal: Signal) => (signal === 'SIGINT' ? EXIT.secondSigint : EXIT.secondSigterm);
