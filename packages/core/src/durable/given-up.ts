import { BusError } from '@terabus/messages';
import type { GroupParts } from './group-parts.js';
import type { Letter } from './letters.js';

/** Who gave a message up. No handler and no type where it could not be read. */
export interface GivenUp {
  readonly handler: string | undefined;
  readonly type: string | undefined;
  readonly tries: number;
}

/** Tells observers and the log of a dead letter: whoever looks at neither would never look for it. */
export function tellGivenUp(
  { address, emit, reporter }: GroupParts,
  { topic, origin: { stream, sequence } }: Letter,
  { handler, type, tries }: GivenUp,
  error: BusError,
): void {
  emit({ kind: 'dead-lettered', service: address, topic, stream, sequence, handler, type, tries, error });
  const who = handler ?? `'${topic}'`;
  const sentence = () =>
    new BusError(
      `${who} gave up message ${sequence} of '${stream}' after ${tries} tries: it lies with the dead letters of ${address}`,
      { code: error.code, reason: error.reason, cause: error },
    );
  reporter.reportFlood(`${who} gave up`, error.reason ?? error.code, sentence, {
    topic,
    handler,
    type,
    stream,
    sequence,
  });
}
