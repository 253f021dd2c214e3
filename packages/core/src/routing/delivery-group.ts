import type { GroupOptions, Job } from './job.js';
import { Queue } from './queue.js';
import { Run } from './run.js';

/** After so many jobs in a row, sockets and timers get their turn. */
const JOBS_PER_TURN = 64;

/**
 * The queue of work of one delivery group. Jobs start in order of arrival; with keys, a job
 * also waits for those of its key. Whatever a job does, the others go on.
 */
export class DeliveryGroup {
  readonly #options: GroupOptions;
  readonly #ready = new Queue<Job>();
  /** The keys that are taken by a job that waits in `#ready` or runs, with those that wait behind it. */
  readonly #keys = new Map<unknown, Queue<Job>>();
  readonly #running = new Set<Run>();
  #waiting = 0;
  #pumping = false;
  /** Jobs that were started since the event loop turned. */
  #inARow = 0;
  #closed = false;
  readonly #waiters = new Set<Waiter>();

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** How many jobs hold a slot. */
  get running(): number {
    return this.#running.size;
  }

  /** How many jobs wait for one. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Takes a job in. The job never starts inside this call: user code stays out of the transport's callbacks. After
   * {@link cutOff} it never starts at all, and is told so.
   */
  enqueue(job: Job): void {
    if (this.#closed) {
      job.cutOff(false);
      return;
    }
    this.#waiting += 1;
    if (this.#options.keyed) {
      const behind = this.#keys.get(job.key);
      if (behind !== undefined) {
        behind.push(job);
        return;
      }
      this.#keys.set(job.key, new Queue());
    }
    this.#ready.push(job);
    this.#pumpSoon();
  }

  /**
   * Resolves when what waits and runs now has ended, or those of it that `which` picks. What comes in the meantime is
   * not waited for: on a busy topic that would be for ever.
   */
  finished(which: (job: Job) => boolean = () => true): Promise<void> {
    const queues = [this.#ready, ...this.#keys.values()];
    const jobs = [...[...this.#running].map(({ job }) => job), ...queues.flatMap((queue) => [...queue])];
    const left = new Set(jobs.filter(which));
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ left, resolve }));
  }

  /** Gives up on all that waits and runs, and on whatever still comes. */
  cutOff(): void {
    this.#closed = true;
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) job.cutOff(false);
    for (const behind of this.#keys.values()) {
      for (let job = behind.shift(); job !== undefined; job = behind.shift()) job.cutOff(false);
    }
    this.#keys.clear();
    this.#waiting = 0;
    for (const run of [...this.#running]) run.cutOff();
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters.clear();
  }

  /** Takes jobs again after {@link cutOff}. */
  reopen(): void {
    this.#closed = false;
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    while (this.#running.size < this.#options.concurrency) {
      if (this.#inARow >= JOBS_PER_TURN) {
        setImmediate(() => {
          this.#inARow = 0;
          this.#pump();
        });
        return;
      }
      const job = this.#ready.shift();
      if (job === undefined) break;
      this.#waiting -= 1;
      // Counted over all pumps: handlers that end without waiting for anything real bring the next one at once.
      this.#inARow += 1;
      const run = new Run(job, this.#options, (ended) => this.#release(ended));
      this.#running.add(run);
      run.start();
    }
    this.#pumping = false;
  }

  #release(run: Run): void {
    this.#running.delete(run);
    if (this.#options.keyed) {
      const behind = this.#keys.get(run.job.key);
      const next = behind?.shift();
      if (next !== undefined) this.#ready.push(next);
      else this.#keys.delete(run.job.key);
    }
    if (this.#ready.length > 0) this.#pumpSoon();
    for (const waiter of this.#waiters) {
      if (!waiter.left.delete(run.job) || waiter.left.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

/** Somebody who waits for the end of some jobs. */
interface Waiter {
  readonly left: Set<Job>;
  readonly resolve: () => void;
}
