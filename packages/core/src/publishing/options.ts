import { BusError } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Topic } from '../contract/contract.js';
import type { Durability, DurableSettings } from '../contract/durable.js';
import { printable } from '../topics/printable.js';
import type { Stored } from '../transport/streams.js';
import { MESSAGE_ID } from './headers.js';

/** Options of one `publish`, `publishAll` or `send`. */
export interface PublishOptions {
  /** More headers. Names may not start with `Nats-` or `Terabus-`. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Resolve when the server has the message, one round trip later, instead of when it was handed to the connection.
   * It then rejects with `TERABUS_UNCONFIRMED` when the link is lost in between and nobody knows. That somebody
   * reads the message is not confirmed. Defaults to false; what goes to a durable topic always is.
   */
  readonly confirm?: boolean | undefined;
  /**
   * Durable topics only. What the message is known by: its stream stores the same id once within `duplicateWindowMs`,
   * whichever topic of the stream it goes to. One line of 1 to 128 characters of printable ASCII. Defaults to a new
   * ULID; give one where the same message may be published again later, by another process too.
   */
  readonly messageId?: string | undefined;
  /**
   * Durable topics only. For how many milliseconds it is tried to store the message. Defaults to 20,000: a stream that
   * lost its leader has a new one after 5 to 13 s.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Durable topics only. Send the message alone: when all that was published to the topic before it is settled, and
   * what comes behind it waits until it is, one round trip each. Defaults to false: many are on their way at a time, and
   * their order is kept unless the stream changes its leader just then.
   */
  readonly ordered?: boolean | undefined;
}

/** What publishing resolves with: where the message lies, for durable topics; for others undefined. */
export type Receipt<D extends Durability> = D extends DurableSettings ? Stored : undefined;

/** The names of all options, so that one that is added is known here too. */
const OPTIONS = ['headers', 'confirm', 'messageId', 'timeoutMs', 'ordered'] as const satisfies (keyof PublishOptions)[];
const OF_DURABLE = ['messageId', 'timeoutMs', 'ordered'] as const satisfies (keyof PublishOptions)[];

/**
 * The compiler finds a misspelt option only where it is written out; it must not be left out without a word.
 *
 * @throws BusError `TERABUS_OPTIONS_INVALID`
 */
export function checkOptions(options: PublishOptions, topic: Topic, kind: 'publish' | 'send'): void {
  const problem = problemOf(options, topic);
  if (problem === undefined) return;
  throw new BusError(`${kind} to '${topic.name}' ${problem}`, { reason: 'TERABUS_OPTIONS_INVALID' });
}

function problemOf(options: PublishOptions, { definition }: Topic): string | undefined {
  const unknown = Object.keys(options).find((name) => !(OPTIONS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const names = OPTIONS.map((name) => `'${name}'`);
    return `got the unknown option ${printable(unknown)}: there are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  }
  const { confirm, messageId, timeoutMs, ordered } = options;
  const durableOnly = OF_DURABLE.find((name) => options[name] !== undefined);
  if (definition.durable === undefined && durableOnly !== undefined) {
    return `got the option '${durableOnly}', which is for durable topics: this one is not stored`;
  }
  if (confirm !== undefined && typeof confirm !== 'boolean') {
    return `takes true or false for 'confirm', not ${show(confirm)}`;
  }
  if (ordered !== undefined && typeof ordered !== 'boolean') {
    return `takes true or false for 'ordered', not ${show(ordered)}`;
  }
  if (messageId !== undefined && !(typeof messageId === 'string' && MESSAGE_ID.test(messageId))) {
    return `takes one line of 1 to 128 characters of printable ASCII for 'messageId', without spaces at its ends, not ${show(messageId)}`;
  }
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && timeoutMs >= 1)) {
    return `takes a whole number of at least 1 for 'timeoutMs', not ${show(timeoutMs)}`;
  }
  return undefined;
}

/**
 * For JavaScript, and for types that were cast away: the compiler lets only the right ones through.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`
 */
export function checkTopicArgument(topic: Topic, kind: 'publish' | 'send'): void {
  const carriesModuleMessages = topic?.definition?.wrapper === 'module-message';
  if (topic?.kind === 'topic' && carriesModuleMessages === (kind === 'send')) return;
  const takes = kind === 'send' ? 'a mailbox (a topic of module messages)' : 'a topic of events, text or bytes';
  throw new BusError(
    `${kind} takes ${takes}, not ${topic?.kind === 'topic' ? `'${topic.name}'` : show(topic?.kind ?? topic)}`,
    {
      reason: 'TERABUS_TOPIC_INVALID',
    },
  );
}
