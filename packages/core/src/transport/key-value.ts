/** One value as a bucket holds it. */
export interface KeyValueEntry {
  readonly key: string;
  /** Owned by whoever asked. */
  readonly value: Uint8Array;
  /** Grows with every change in the bucket, whichever key it is of. */
  readonly revision: number;
}

/**
 * A bucket of values by key, the same for all who open it: marks of what was done, leases, the last state of things.
 * Buckets are made by `provision`, and never by a service that runs. A key is any well-formed text that is not empty;
 * escaping it is the transport's work (`toName` for each of its tokens).
 *
 * All rejections are `BusError`s: `TERABUS_BUCKET_MISSING`, `TERABUS_KEY_CONFLICT`, and those of the link, after
 * which nobody knows whether a change was made: reading the key again tells.
 *
 * An entry that was not changed for the bucket's `ttlMs` is gone, by the server's clock, and nobody is told: what is
 * held for a time (a lease) is timed by whoever reads it.
 */
export interface KeyValue {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /** Resolves with the revision. `TERABUS_KEY_CONFLICT` when the key has a value. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** `TERABUS_KEY_CONFLICT` when the key's revision is another one. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  put(key: string, value: Uint8Array): Promise<number>;
  /** Also a key that isn't there. With a revision as `update`. */
  delete(key: string, revision?: number): Promise<void>;
  /** All keys that have a value, in no order. For small buckets. */
  keys(): Promise<string[]>;
}
