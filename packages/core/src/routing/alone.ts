import type { Job } from './job.js';
import { Queue } from './queue.js';

/**
 * The jobs of a group that start while all others are held. One whose key is taken by a job that is held starts without it;
 * one whose key is taken by another of these waits behind that one.
 */
export class Alone {
  #ready: Queue<Job> | undefined;
  /** Those that have their key. */
  readonly #owners = new Set<Job>();
  /** Those whose key another one has, which is held. They keep to that until they end. */
  readonly #keyless = new Set<Job>();
  /** Those that wait behind another one of them. */
  readonly #behind = new Set<Job>();

  /** Those that may start; undefined where nothing is held. */
  get ready(): Queue<Job> | undefined {
    return this.#ready;
  }

  begin(): void {
    this.#ready ??= new Queue();
  }

  /** Returns those that have not started. */
  end(): Iterable<Job> {
    const left = this.#ready ?? [];
    this.#ready = undefined;
    this.#owners.clear();
    this.#behind.clear();
    return left;
  }

  /** Whether one of them has this key. */
  hasKey(key: unknown): boolean {
    for (const job of this.#owners) if (job.key === key) return true;
    return false;
  }

  start(job: Job): void {
    this.#ready?.push(job);
  }

  startWithKey(job: Job): void {
    this.#owners.add(job);
    this.start(job);
  }

  startWithoutKey(job: Job): void {
    this.#keyless.add(job);
    this.start(job);
  }

  waitBehind(job: Job): void {
    this.#behind.add(job);
  }

  /** It waits behind none of them any more. Says whether it did. */
  leave(job: Job): boolean {
    return this.#behind.delete(job);
  }

  ended(job: Job): void {
    this.#owners.delete(job);
  }

  /** It has ended. Says whether it had no key that could be passed on. */
  endedWithoutKey(job: Job): boolean {
    return this.#keyless.delete(job);
  }

  /** None of them is there any more. */
  clear(): void {
    for (const jobs of [this.#owners, this.#keyless, this.#behind]) jobs.clear();
  }
}
