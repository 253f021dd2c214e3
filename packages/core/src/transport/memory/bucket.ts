import { BusError } from '@terabus/messages';
import { printable } from '../../topics/printable.js';
import type { Clock } from '../clock.js';
import type { KeyValueEntry } from '../key-value.js';
import type { BucketPlan } from '../store-plan.js';
import type { Headers } from '../transport.js';
import { MemoryStream, type Row } from './stream.js';

const NO_HEADERS: Headers = new Map();
const DELETED: Headers = new Map([['KV-Operation', 'DEL']]);

/** A bucket of a {@link MemoryBroker}: as in NATS a stream that keeps the last message of each key. */
export class MemoryBucket {
  readonly plan: BucketPlan;
  readonly #stream: MemoryStream;

  constructor(plan: BucketPlan, clock: Clock) {
    this.plan = plan;
    const { name, ttlMs, maxKeys, replicas } = plan;
    const stream = {
      ...({ name, subjects: [], retention: 'limits', maxAgeMs: ttlMs, maxMessages: maxKeys } as const),
      ...({ maxBytes: -1, maxMessagesPerSubject: 1, discard: 'new', duplicateWindowMs: 0, replicas } as const),
      ...{ republishTo: undefined, owned: true, consumers: [] },
    };
    this.#stream = new MemoryStream(stream, clock, () => {});
  }

  get(key: string): KeyValueEntry | undefined {
    const row = this.#last(key);
    if (row === undefined || isDeleted(row)) return undefined;
    return { key, value: new Uint8Array(row.bytes), revision: row.sequence };
  }

  keys(): string[] {
    return this.#stream
      .subjects('>')
      .map(keyOf)
      .filter((key) => this.get(key) !== undefined);
  }

  create(key: string, value: Uint8Array): number {
    const row = this.#last(key);
    if (row !== undefined && !isDeleted(row)) throw this.#conflict(key, `has a value, of revision ${row.sequence}`);
    return this.put(key, value);
  }

  update(key: string, value: Uint8Array, revision: number): number {
    this.#check(key, revision);
    return this.put(key, value);
  }

  /** Takes the bytes for its own. */
  put(key: string, value: Uint8Array): number {
    return this.#stream.store({ subject: subjectOf(key), bytes: value, headers: NO_HEADERS }).sequence;
  }

  delete(key: string, revision: number | undefined): void {
    if (revision !== undefined) this.#check(key, revision);
    this.#stream.store({ subject: subjectOf(key), bytes: new Uint8Array(), headers: DELETED });
  }

  #last(key: string): Row | undefined {
    return this.#stream.find({ lastOf: subjectOf(key) });
  }

  #check(key: string, revision: number): void {
    const found = this.#last(key)?.sequence ?? 0;
    if (found !== revision) throw this.#conflict(key, `has revision ${found}, not ${revision}`);
  }

  #conflict(key: string, how: string): BusError {
    return new BusError(`the key ${printable(key)} of the bucket '${this.plan.name}' ${how}`, {
      reason: 'TERABUS_KEY_CONFLICT',
      details: { bucket: this.plan.name, key },
    });
  }
}

const PREFIX = '$KV.';

// A key is no subject: nobody subscribes to it, so nothing in it needs an escape.
const subjectOf = (key: string): string => PREFIX + key;
const keyOf = (subject: string): string => subject.slice(PREFIX.length);

const isDeleted = ({ headers }: Row): boolean => headers === DELETED;
