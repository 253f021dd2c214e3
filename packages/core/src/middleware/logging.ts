import type { Middleware } from './middleware.js';

/** Options of {@link logging}. */
export interface LoggingOptions {
  /** The level of the lines. Defaults to 'debug': one line per message is too much for every day. */
  readonly level?: 'trace' | 'debug' | 'info';
}

/** Logs each message that is handled, with the time it took. Failures are logged by the host in any case. */
export function logging({ level = 'debug' }: LoggingOptions = {}): Middleware {
  return (next) => (message, context) => {
    if (!context.logsAt(level)) return next(message, context);
    const leftMs = context.remainingMs;
    const done = () => context.logger[level]({ message, durationMs: leftMs - context.remainingMs }, 'handled');
    const result = next(message, context);
    if (!(result instanceof Promise)) {
      done();
      return result;
    }
    return result.then((value: unknown) => {
      done();
      return value;
    });
  };
}
