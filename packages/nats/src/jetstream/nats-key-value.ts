import type { Headers, KeyValue, KeyValueEntry } from '@terabus/core/transport';
import { BusError, printable } from '@terabus/core/transport';
import { encodeHeaders } from '../headers.js';
import { type ApiError, ERR, isMissing, refusedByApi, refusedToStore } from './api-error.js';
import { type JetStream, parsed } from './jetstream.js';
import { fromKey, toKey } from './keys.js';
import { bucketCalled } from './names.js';
import { failed } from './store.js';
import { fromBase64, headersOf, type StoredJson } from './stored-message.js';
import { bucketMissing } from './trouble.js';

/** One change; elections in a cluster take longer, and who changes something has to look again then. */
const TIMEOUT_MS = 5_000;

/** How many keys are looked at at a time. */
const AT_ONCE = 32;

/** The headers of NATS' ADR-8. */
const OPERATION = 'KV-Operation';
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence';

/** Ours: the whole of a key whose name has only a hash. */
const WHOLE_KEY = 'Terabus-Key';

const NOTHING = new Uint8Array();

/** What a key has: a value, or the mark of a deletion. */
interface Last {
  readonly revision: number;
  readonly deleted: boolean;
  readonly message: StoredJson;
}

/** {@link KeyValue} on a stream, as NATS' own clients lay it out. */
export class NatsKeyValue implements KeyValue {
  readonly #jetStream: JetStream;
  readonly #bucket: string;
  readonly #stream: string;
  readonly #prefix: string;

  constructor(jetStream: JetStream, bucket: string) {
    this.#jetStream = jetStream;
    this.#bucket = bucket;
    this.#stream = jetStream.names.bucket(bucket);
    this.#prefix = jetStream.names.keys(bucket);
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    const last = await this.#last(toKey(key).name);
    if (last === undefined || last.deleted) return undefined;
    return { key, value: fromBase64(last.message.data), revision: last.revision };
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    const revision = await this.#change(key, value, 0);
    if (revision !== undefined) return revision;
    // What was deleted has a mark, over which a value may be made.
    const last = await this.#last(toKey(key).name);
    const again = last?.deleted ? await this.#change(key, value, last.revision) : undefined;
    return again ?? this.#conflict(key);
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return (await this.#change(key, value, revision)) ?? this.#conflict(key);
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    return (await this.#change(key, value, undefined)) ?? this.#conflict(key);
  }

  async delete(key: string, revision?: number): Promise<void> {
    const mark = new Map([[OPERATION, 'DEL']]);
    if ((await this.#change(key, NOTHING, revision, mark)) === undefined) this.#conflict(key);
  }

  async keys(): Promise<string[]> {
    const names = (await this.#names()).values();
    const keys: string[] = [];
    const worker = async () => {
      for (const name of names) {
        const last = await this.#last(name);
        if (!last || last.deleted) continue;
        const whole = headersOf(last.message.hdrs).get(WHOLE_KEY);
        const key = fromKey(whole ?? name);
        if (key !== undefined) keys.push(key);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return keys;
  }

  /** The names of all keys, also of those that were deleted. */
  async #names(): Promise<Set<string>> {
    const names = new Set<string>();
    for (let offset = 0; ; ) {
      const request = { subjects_filter: `${this.#prefix}>`, offset };
      const answer = await this.#jetStream.call<{ total: number; state: { subjects?: object } }>(
        `STREAM.INFO.${this.#stream}`,
        request,
      );
      this.#check(answer);
      const page = Object.keys(answer.state?.subjects ?? {});
      for (const subject of page) names.add(subject.slice(this.#prefix.length));
      offset += page.length;
      if (page.length === 0 || offset >= (answer.total ?? 0)) return names;
    }
  }

  async #last(name: string): Promise<Last | undefined> {
    const request = { last_by_subj: `${this.#prefix}${name}` };
    const answer = await this.#jetStream.call<{ message: StoredJson }>(`STREAM.MSG.GET.${this.#stream}`, request);
    if (answer.error?.err_code === ERR.noMessage) return undefined;
    this.#check(answer);
    const message = answer.message as StoredJson;
    const operation = headersOf(message.hdrs).get(OPERATION);
    return { revision: message.seq, deleted: operation === 'DEL' || operation === 'PURGE', message };
  }

  /** The revision of a change; undefined where the key has another one than `expected`. */
  async #change(
    key: string,
    value: Uint8Array,
    expected: number | undefined,
    headers: Headers = new Map(),
  ): Promise<number | undefined> {
    const { name, whole } = toKey(key);
    const own = new Map([
      ...headers,
      ...(expected === undefined ? [] : ([[EXPECTED, `${expected}`]] as const)),
      ...(whole === undefined ? [] : ([[WHOLE_KEY, whole]] as const)),
    ]);
    const make = () => ({ subject: `${this.#prefix}${name}`, bytes: value, headers: encodeHeaders(undefined, own) });
    const answer = await this.#jetStream.ask(make, TIMEOUT_MS);
    if ('error' in answer) {
      // A bucket that is not there is told from one that has no leader.
      if (answer.error.reason === 'TERABUS_NO_RESPONDERS') this.#check(await this.#info());
      throw failed(answer, this.#bucket);
    }
    const ack: { stream?: unknown; seq?: unknown; error?: ApiError } = parsed(answer.bytes) ?? {};
    if (ack.error?.err_code === ERR.wrongLastSequence) return undefined;
    if (ack.error) throw refusedToStore(ack.error, this.#bucket);
    if (ack.stream !== this.#stream || !Number.isSafeInteger(ack.seq)) {
      throw new BusError(`what acknowledged the key ${printable(key)} is not the ${bucketCalled(this.#bucket)}`, {
        reason: 'TERABUS_STREAM_MISMATCH',
      });
    }
    return ack.seq as number;
  }

  #info() {
    return this.#jetStream.call(`STREAM.INFO.${this.#stream}`);
  }

  #check({ error }: { readonly error?: ApiError }): void {
    if (!error) return;
    throw isMissing(error) ? bucketMissing(this.#bucket) : refusedByApi(error, bucketCalled(this.#bucket));
  }

  #conflict(key: string): never {
    throw new BusError(`the key ${printable(key)} has been changed by somebody else`, {
      reason: 'TERABUS_KEY_CONFLICT',
      details: { bucket: this.#bucket, key },
    });
  }
}
