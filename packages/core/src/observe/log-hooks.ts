import type { LoggerOptions } from 'pino';

/** What JSON leaves as it is: DEL and the controls of Latin-1, which terminals obey, and the line ends of Unicode. */
const LEFT_BY_JSON = /[\x7f-\x9f\u2028\u2029]/g;

/**
 * Hooks for a pino logger of your own, `pino({ hooks: logHooks })`, with which no text that came over the bus can move a
 * terminal's cursor or begin a line: pino escapes the controls of ASCII, these hooks escape the others. The logger
 * that a host makes by itself has them.
 */
export const logHooks: NonNullable<LoggerOptions['hooks']> = {
  // Such characters only stand inside of strings, where an escape means the same.
  streamWrite: (line) =>
    line.replace(
      LEFT_BY_JSON,
      (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`,
    ),
};
