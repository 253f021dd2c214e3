import { createHash } from 'node:crypto';
import { type Deferred, deferred } from '../service/deferred.js';
import type { KeyValue } from '../transport/key-value.js';
import type { Inbox, InboxWork } from './inbox.js';

const DONE = new Uint8Array([1]);

/**
 * An {@link Inbox} in a bucket. The mark is made when the handler has ended: a crash in between repeats the effect, and
 * two instances that are given two copies at the same moment both handle them. Within one process they don't, but where
 * a handler was abandoned. It remembers for as long as the bucket does (7 days by default, `keepMarksMs` of `planStreams`).
 */
export class KeyValueInbox implements Inbox {
  readonly #bucket: KeyValue;
  readonly #running = new Map<string, Deferred<void>>();
  /** What was handled and could not be marked: until it is, whoever asks again is not given it again. */
  readonly #unmarked = new Set<string>();

  constructor(bucket: KeyValue) {
    this.#bucket = bucket;
  }

  /** `asking` is told whether it is the bucket that is waited for, and neither the handler nor another copy. */
  async once(
    work: InboxWork,
    handle: () => Promise<unknown>,
    asking: (is: boolean) => void = () => {},
  ): Promise<boolean> {
    const key = keyOf(work);
    for (let before = this.#running.get(key); before !== undefined; before = this.#running.get(key)) {
      await before.promise;
    }
    const running = deferred<void>();
    this.#running.set(key, running);
    try {
      return await this.#once(key, handle, asking);
    } finally {
      if (this.#running.get(key) === running) this.#running.delete(key);
      running.resolve();
    }
  }

  /** Its handler is not waited for any more: the next one has its turn. */
  abandon(work: InboxWork): void {
    const key = keyOf(work);
    this.#running.get(key)?.resolve();
    this.#running.delete(key);
  }

  async #once(key: string, handle: () => Promise<unknown>, asking: (is: boolean) => void): Promise<boolean> {
    if (!this.#unmarked.has(key)) {
      asking(true);
      if ((await this.#bucket.get(key)) !== undefined) return false;
      asking(false);
      await handle();
      this.#unmarked.add(key);
    }
    asking(true);
    await this.#bucket.put(key, DONE);
    this.#unmarked.delete(key);
    return true;
  }
}

/** 128 bits of a hash: message ids of other senders are of any length. */
const keyOf = ({ handler, messageId }: InboxWork): string =>
  `done.${createHash('sha256').update(`${handler}\n${messageId}`).digest('hex').slice(0, 32)}`;
