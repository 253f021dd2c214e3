import type { Logger } from 'pino';

/** Writes a line of log. One that can't be written, with a disk that is full, must not keep anything from going on. */
export function say(logger: Logger, level: 'info' | 'warn' | 'error' | 'fatal', fields: object, text: string): void {
  try {
    logger[level](fields, text);
  } catch {
    // Whom that would be reported to is what threw.
  }
}
