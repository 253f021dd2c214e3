import { createHash } from 'node:crypto';
import type { KeyValue } from '../transport/key-value.js';
import type { Inbox, InboxWork } from './inbox.js';

const DONE = new Uint8Array([1]);

/**
 * An {@link Inbox} in a bucket. The mark is made when the handler has ended: a crash in between repeats the effect, and
 * two instances that are given two copies at the same moment both handle them. Within one process they don't. It
 * remembers for as long as the bucket does (7 days by default, `keepMarksMs` of `planStreams`).
 */
export class KeyValueInbox implements Inbox {
  readonly #bucket: KeyValue;
  readonly #running = new Map<string, Promise<unknown>>();
  /** What was handled and could not be marked: until it is, whoever asks again is not given it again. */
  readonly #unmarked = new Set<string>();

  constructor(bucket: KeyValue) {
    this.#bucket = bucket;
  }

  async once(work: InboxWork, handle: () => Promise<unknown>): Promise<boolean> {
    const key = keyOf(work);
    for (let before = this.#running.get(key); before !== undefined; before = this.#running.get(key)) await before;
    const running = this.#once(key, handle);
    const ended = running.catch(() => undefined).then(() => this.#running.delete(key));
    this.#running.set(key, ended);
    return running;
  }

  async #once(key: string, handle: () => Promise<unknown>): Promise<boolean> {
    if (!this.#unmarked.has(key)) {
      if ((await this.#bucket.get(key)) !== undefined) return false;
      await handle();
      this.#unmarked.add(key);
    }
    await this.#bucket.put(key, DONE);
    this.#unmarked.delete(key);
    return true;
  }
}

/** 128 bits of a hash: message ids of other senders are of any length. */
const keyOf = ({ handler, messageId }: InboxWork): string =>
  `done.${createHash('sha256').update(`${handler}\n${messageId}`).digest('hex').slice(0, 32)}`;
