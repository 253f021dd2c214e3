import {
  BusError,
  type JsonValue,
  type MessageType,
  standardTypes,
  TeraEvent,
  TeraModuleMessage,
  TypeRegistry,
  toJson,
} from '@terabus/messages';
import { z } from 'zod';
import { check } from '../contract/check.js';
import type { Contract } from '../contract/contract.js';
import type { StoredMessage } from '../transport/streams.js';
import type { Headers, Transport } from '../transport/transport.js';
import { DEAD_HEADER, DURABLE_HEADER, ownHeaders } from './headers.js';
import { deadLettersOf, retriesOf, retrySubject } from './names.js';
import { parseOrigin } from './origin.js';

/** A message that a service has given up. What is undefined nobody knew. */
export interface DeadLetter {
  /** Its number among the dead letters of its service. */
  readonly id: number;
  readonly reason: string | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  /** The address of the service, and the version that its host was told. */
  readonly service: string;
  readonly version: string | undefined;
  /** The pattern of its delivery group. */
  readonly group: string;
  /** `Class.method`; undefined where the message could not be read. */
  readonly handler: string | undefined;
  readonly type: string | undefined;
  readonly topic: string | undefined;
  /** Where it lies first, and which content of its envelope it is: undefined for all. */
  readonly stream: string | undefined;
  readonly sequence: number | undefined;
  readonly index: number | undefined;
  readonly tries: number;
  /** When it failed first and last, in milliseconds since the Unix epoch, by the clock of the service. */
  readonly firstFailed: number | undefined;
  readonly lastFailed: number | undefined;
  /** The id of its W3C trace. */
  readonly trace: string | undefined;
  /**
   * Whether its bytes were left where they lie first, since a message of the largest size has no room for what is known
   * of it. It can be shown and purged, not replayed.
   */
  readonly isCut: boolean;
  /** As it was published; empty where {@link isCut}. */
  readonly bytes: Uint8Array;
  /** Its own. */
  readonly headers: Headers;
}

/** Which dead letters are meant; all by default. */
export interface DeadLetterFilter {
  readonly group?: string | undefined;
  readonly handler?: string | undefined;
  readonly reason?: string | undefined;
}

/** Which part of a list. */
export interface DeadLetterPage extends DeadLetterFilter {
  /** Begins with this id. Defaults to the first. */
  readonly fromId?: number | undefined;
  /** How many at most. Defaults to 100. */
  readonly limit?: number | undefined;
}

const page = z.strictObject({
  group: z.string().optional(),
  handler: z.string().optional(),
  reason: z.string().optional(),
  fromId: z.int().min(1).default(1),
  limit: z.int().min(1).max(10_000).default(100),
});
const filter = page.pick({ group: true, handler: true, reason: true });

/** What {@link openDeadLetters} is told. */
export interface DeadLettersOptions {
  readonly transport: Transport;
  /** That of the service. */
  readonly contract: Pick<Contract, 'address'>;
  /** Message types of your own, to show messages with. Those of OpenTera are known. */
  readonly types?: Iterable<MessageType> | undefined;
}

/** The dead letters of a service, for tools: `host.deadLetters` has those of its own services. */
export const openDeadLetters = (options: DeadLettersOptions): DeadLetters => new DeadLetters(options);

const STORE_TIMEOUT_MS = 20_000;

/** The dead letters of a service: to look through, to try again, to throw away. */
export class DeadLetters {
  readonly #transport: Transport;
  readonly #address: string;
  readonly #registry: TypeRegistry;

  constructor({ transport, contract, types = [] }: DeadLettersOptions) {
    this.#transport = transport;
    this.#address = contract.address;
    this.#registry = new TypeRegistry(new Set([...standardTypes, ...types]));
  }

  /**
   * Those that match, the oldest first, with the id to go on from; undefined where there are no more.
   *
   * @throws BusError `TERABUS_STREAM_MISSING`, `TERABUS_NATS_FORBIDDEN`
   */
  async list(
    options: DeadLetterPage = {},
  ): Promise<{ readonly letters: DeadLetter[]; readonly nextId: number | undefined }> {
    const { fromId, limit, ...wanted } = check(page, options, 'list', 'TERABUS_OPTIONS_INVALID');
    const letters: DeadLetter[] = [];
    for await (const letter of this.#from(fromId, wanted)) {
      if (letters.length === limit) return { letters, nextId: letter.id };
      letters.push(letter);
    }
    return { letters, nextId: undefined };
  }

  /**
   * One of them, with its envelope as JSON where it can be read by the types that are known.
   *
   * @throws BusError `TERABUS_DEAD_LETTER_MISSING`
   */
  async show(id: number): Promise<DeadLetter & { readonly json: JsonValue | undefined }> {
    const letter = await this.#get(id);
    return { ...letter, json: this.#jsonOf(letter) };
  }

  /**
   * Gives it to the group that gave it up once more, with all its tries, and removes it from here. Resolves when that
   * is stored; if it fails again, it comes back as another one.
   *
   * @throws BusError `TERABUS_DEAD_LETTER_MISSING`, `TERABUS_PAYLOAD_TOO_LARGE` for one that is cut, or
   * those of {@link Streams.store}; it stays then
   */
  async replay(id: number): Promise<void> {
    await this.#replay(await this.#get(id));
  }

  /** The same for all that match at this moment, but those that are cut. Resolves with how many. */
  async replayAll(options: DeadLetterFilter = {}): Promise<number> {
    return this.#each(
      options,
      'replayAll',
      (letter) => this.#replay(letter),
      ({ isCut }) => !isCut,
    );
  }

  /** Removes it for good. */
  async purge(id: number): Promise<void> {
    await this.#remove((await this.#get(id)).id);
  }

  /** Removes all that match at this moment, for good. Resolves with how many. */
  async purgeAll(options: DeadLetterFilter = {}): Promise<number> {
    return this.#each(options, 'purgeAll', ({ id }) => this.#remove(id));
  }

  async #each(
    options: DeadLetterFilter,
    doing: string,
    act: (letter: DeadLetter) => Promise<void>,
    isMeant: (letter: DeadLetter) => boolean = () => true,
  ): Promise<number> {
    const wanted = check(filter, options, doing, 'TERABUS_OPTIONS_INVALID');
    const { lastSequence } = await this.#transport.streams.streamState(this.#stream);
    let count = 0;
    for await (const letter of this.#from(1, wanted)) {
      // What comes back meanwhile is not meant.
      if (letter.id > lastSequence) break;
      if (!isMeant(letter)) continue;
      await act(letter);
      count += 1;
    }
    return count;
  }

  async *#from(fromId: number, { group, handler, reason }: DeadLetterFilter): AsyncGenerator<DeadLetter> {
    for (let fromSequence = fromId; ; ) {
      const stored = await this.#transport.streams.read(this.#stream, { fromSequence });
      if (stored === undefined) return;
      fromSequence = stored.sequence + 1;
      const letter = letterOf(stored, this.#address);
      if (group !== undefined && letter.group !== group) continue;
      if (handler !== undefined && letter.handler !== handler) continue;
      if (reason !== undefined && letter.reason !== reason) continue;
      yield letter;
    }
  }

  async #get(id: number): Promise<DeadLetter> {
    const stored = await this.#transport.streams.read(this.#stream, { fromSequence: id });
    if (stored?.sequence === id) return letterOf(stored, this.#address);
    throw new BusError(`${this.#address} has no dead letter ${id}`, { reason: 'TERABUS_DEAD_LETTER_MISSING' });
  }

  async #replay({ id, group, bytes, isCut, stream, sequence }: DeadLetter): Promise<void> {
    if (isCut) {
      throw new BusError(
        `dead letter ${id} can't be replayed: it is too large; it lies in '${stream}' as ${sequence}`,
        {
          reason: 'TERABUS_PAYLOAD_TOO_LARGE',
        },
      );
    }
    const { streams } = this.#transport;
    const stored = await streams.read(this.#stream, { fromSequence: id });
    if (stored?.sequence !== id) return;
    const headers = ownHeaders(stored.headers);
    for (const name of KEPT) {
      const value = stored.headers.get(name);
      if (value !== undefined) headers.set(name, value);
    }
    headers.set(DURABLE_HEADER.attempt, '0');
    headers.set(DURABLE_HEADER.due, '0');
    headers.set(DURABLE_HEADER.replay, String(id));
    const subject = retrySubject(this.#address, group);
    // Its own id is known to the stream: it would be taken for the one that failed. With the time: a stream that was made
    // anew numbers from 1 again.
    const messageId = `replay/${id}@${stored.storedAt}`;
    await streams.store({ subject, stream: retriesOf(this.#address), bytes, headers, messageId }, STORE_TIMEOUT_MS);
    await this.#remove(id);
  }

  async #remove(id: number): Promise<void> {
    await this.#transport.streams.purge(this.#stream, { sequence: id });
  }

  get #stream(): string {
    return deadLettersOf(this.#address);
  }

  #jsonOf({ bytes, topic }: DeadLetter): JsonValue | undefined {
    // An envelope says where it was sent; the other kind, read as this one, does not.
    for (const [type, placeOf] of [
      [TeraEvent, (message: TeraEvent) => message.header?.topic],
      [TeraModuleMessage, (message: TeraModuleMessage) => message.head?.dest],
    ] as const) {
      try {
        const message = type.decode(bytes);
        if (placeOf(message as never) === topic) return toJson(message as never, { registry: this.#registry });
      } catch {
        // Text, bytes, or a type that is not known here.
      }
    }
    return undefined;
  }
}

const KEPT = [DURABLE_HEADER.origin, DURABLE_HEADER.subject, DURABLE_HEADER.storedAt, DURABLE_HEADER.verdict];

/** What lies there may be anybody's: nothing of it is believed to be well-formed. */
function letterOf({ sequence: id, bytes, headers }: StoredMessage, address: string): DeadLetter {
  const text = (name: string) => headers.get(name);
  const number = (name: string) => (/^\d{1,16}$/.test(text(name) ?? '') ? Number(text(name)) : undefined);
  let origin: Partial<ReturnType<typeof parseOrigin>> = {};
  try {
    origin = parseOrigin(text(DURABLE_HEADER.origin));
  } catch {
    // It says nothing of it.
  }
  return {
    id,
    reason: text(DEAD_HEADER.reason),
    code: text(DEAD_HEADER.code),
    text: text(DEAD_HEADER.text),
    service: text(DEAD_HEADER.service) ?? address,
    version: text(DEAD_HEADER.version),
    group: text(DEAD_HEADER.group) ?? '',
    handler: text(DEAD_HEADER.handler),
    type: text(DEAD_HEADER.type),
    topic: decoded(text(DEAD_HEADER.topic)),
    stream: origin.stream,
    sequence: origin.sequence,
    index: origin.index,
    tries: number(DEAD_HEADER.tries) ?? 0,
    firstFailed: number(DEAD_HEADER.first),
    lastFailed: number(DEAD_HEADER.last),
    trace: text(DEAD_HEADER.trace),
    isCut: headers.has(DEAD_HEADER.cut),
    bytes,
    headers: ownHeaders(headers),
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
