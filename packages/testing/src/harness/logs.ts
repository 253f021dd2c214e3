import type { Logger } from 'pino';
import { pino } from 'pino';

/** One line of a log. */
export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly msg: string;
  /** What else the line says: `service`, `handler`, `topic`, `err`. */
  readonly [field: string]: unknown;
}

/** A logger of all levels that keeps its lines in an array instead of printing them. */
export function capturing(lines: LogLine[]): Logger {
  const options = {
    level: 'trace',
    base: null,
    timestamp: false,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(options, { write: (line) => void lines.push(JSON.parse(line) as LogLine) });
}
