import { checkTopic } from '../../topics/topic.js';
import type { KeyValue, KeyValueEntry } from '../key-value.js';
import type { MemoryBucket } from './bucket.js';
import type { Calls } from './calls.js';
import type { MemoryStore } from './store.js';

/** A bucket as one connection sees it. */
export class MemoryKeyValue implements KeyValue {
  readonly #bucket: string;
  readonly #store: MemoryStore;
  readonly #calls: Calls;

  constructor(bucket: string, store: MemoryStore, calls: Calls) {
    this.#bucket = bucket;
    this.#store = store;
    this.#calls = calls;
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    return await this.#ask(key, (bucket) => bucket.get(key));
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    return await this.#ask(key, (bucket) => bucket.create(key, new Uint8Array(value)));
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return await this.#ask(key, (bucket) => bucket.update(key, new Uint8Array(value), revision));
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    return await this.#ask(key, (bucket) => bucket.put(key, new Uint8Array(value)));
  }

  async delete(key: string, revision?: number): Promise<void> {
    await this.#ask(key, (bucket) => bucket.delete(key, revision));
  }

  async keys(): Promise<string[]> {
    return await this.#calls.ask(() => this.#store.bucket(this.#bucket).keys());
  }

  #ask<T>(key: string, act: (bucket: MemoryBucket) => T): Promise<T> {
    return this.#calls.ask(() => {
      checkTopic(key);
      return act(this.#store.bucket(this.#bucket));
    });
  }
}
