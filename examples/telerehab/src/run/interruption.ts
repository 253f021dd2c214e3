import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a process exits with that was ended by a signal. */
const codeOf = (signal: (typeof signals)[number]) => 128 + constants.signals[signal];

/**
 * Resolves with the exit code of a signal when one asks this process to end, also when nobody reads its output any
 * more. A second signal ends it at once: the parts notice, and so does the watchdog of the server.
 */
export function interruption(): Promise<number> {
  return new Promise((resolve) => {
    let isSecond = false;
    const onSignal = (signal: (typeof signals)[number]) => {
      if (isSecond) process.exit(codeOf(signal));
      isSecond = true;
      resolve(codeOf(signal));
    };
    for (const signal of signals) process.on(signal, onSignal);
    process.stdout.on('error', () => resolve(codeOf('SIGHUP')));
  });
}
