import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { check, show } from '../contract/check.js';
import type { Topic, TopicDefinition, TopicFamily } from '../contract/contract.js';
import type { Durability } from '../contract/durable.js';
import { checkOptions, type PublishOptions, type Receipt } from './options.js';

/** Options of `batching`. Those of `PublishOptions` are for each envelope: its headers are those of all messages in it. */
export interface BatchingOptions extends Omit<PublishOptions, 'messageId'> {
  /**
   * How many messages an envelope has at most, 1 to 1,000. Defaults to 16: with these one message bears a sixteenth of
   * what an envelope costs, so that more would bring little, and what fails fails for all that are in it.
   */
  readonly maxMessages?: number | undefined;
  /**
   * How many bytes an envelope has at most; a message that is larger goes in an envelope of its own. It is never
   * more than half of what the server takes. Defaults to 65,536: sixteen messages of 4 KiB, and a sixteenth of what
   * nats-server takes by default.
   */
  readonly maxBytes?: number | undefined;
  /**
   * For how many milliseconds at most a message waits for others, up to 60,000. Defaults to 0: until the event loop has
   * turned, so that what is published in one go travels together, and nothing waits for what may never come. A handler
   * that awaits its `publish` takes as long; a drain does not wait for it.
   */
  readonly lingerMs?: number | undefined;
}

/**
 * Publishes to one topic, several messages in one `TeraEvent`: for topics whose readers are all Terabus, as OpenTera's
 * clients read only the first of several.
 */
export interface BatchingPublisher<P, D extends Durability = undefined> {
  /**
   * Adds a message to the envelope that is being filled. It is encoded at once: what is done to it afterwards changes
   * nothing. Settles as `Bus.publish` does, when its envelope was handed over or stored: the messages of an envelope share
   * one promise, and of a durable topic one place. They arrive in the order in which they were added; to keep it beside
   * `publish`, await `flush` first.
   *
   * What can't be sent is rejected alone, and the others of its envelope go. Errors name their messages by their number,
   * from 1 in the order of these calls: `details.message`, or `details.firstMessage` and `details.lastMessage` where
   * the envelope failed.
   *
   * Whoever awaits each before the next has envelopes with one message.
   */
  publish(message: P): Promise<Receipt<D>>;
  /** Sends what waits, and resolves when all that was added before is settled. Never rejects: each promise tells of its own. */
  flush(): Promise<void>;
}

/** The same for the topics of a family, each with envelopes of its own. */
export interface BatchingFamilyPublisher<P, N extends string = string, D extends Durability = undefined> {
  /** As {@link BatchingPublisher.publish}, to one topic of the family. */
  publish(topic: Topic<'event', P, N, D>, message: NoInfer<P>): Promise<Receipt<D>>;
  /** {@inheritDoc BatchingPublisher.flush} */
  flush(): Promise<void>;
}

/** What events may be batched for. */
export type BatchingSource = Topic | TopicFamily;

/** How a publisher fills envelopes, with its defaults, and what it publishes each of them with. */
export interface BatchingSettings {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly lingerMs: number;
  readonly options: PublishOptions | undefined;
}

const settings = z.strictObject({
  // Receivers take whole envelopes: these must not fill their queues alone.
  maxMessages: z.int().min(1).max(1_000).default(16),
  maxBytes: z.int().min(1).default(65_536),
  lingerMs: z.number().min(0).max(60_000).default(0),
  // As they are checked for each publish.
  headers: z.unknown().optional(),
  confirm: z.unknown().optional(),
  timeoutMs: z.unknown().optional(),
  ordered: z.unknown().optional(),
});

/**
 * What `batching` was given, checked.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID` or `TERABUS_OPTIONS_INVALID`
 */
export function batchingSettings(source: BatchingSource, given: BatchingOptions = {}): BatchingSettings {
  const { kind, definition } = source ?? {};
  if ((kind !== 'topic' && kind !== 'family') || definition?.wrapper !== 'event') {
    throw notBatched(definition === undefined ? show(source) : `'${definition.template}'`);
  }
  const { template } = definition;
  const valid = check(settings, given, `batching for '${template}'`, 'TERABUS_OPTIONS_INVALID');
  const { maxMessages, maxBytes, lingerMs, ...rest } = valid;
  const options = rest as PublishOptions;
  checkOptions(options, { kind: 'topic', definition, name: template, pattern: '' }, 'publish');
  return { maxMessages, maxBytes, lingerMs, options: Object.keys(options).length === 0 ? undefined : options };
}

const notBatched = (what: string): BusError =>
  new BusError(`batching takes a topic of events, or a family of them, not ${what}`, {
    reason: 'TERABUS_TOPIC_INVALID',
  });

/** @throws BusError `TERABUS_TOPIC_INVALID` for a topic of another family */
export function checkOfFamily(topic: Topic, family: TopicDefinition): void {
  const definition = topic?.definition;
  if (definition === family || (topic?.kind === 'topic' && definition?.digest === family.digest)) return;
  const what = topic?.kind === 'topic' ? `'${topic.name}'` : show(topic);
  throw new BusError(`what is batched for '${family.template}' goes to a topic of this family, not ${what}`, {
    reason: 'TERABUS_TOPIC_INVALID',
  });
}
