import type { Clock, Timer } from '../transport/clock.js';

/** One piece of work of a group: a message for one handler, or a call. */
export interface Job {
  /** Jobs of one key run one after another. Ignored where the group has no keys. */
  readonly key: unknown;
  /** How long it may run, in milliseconds, decided when it starts. 0 or less: its time is over already. */
  timeLeftMs(): number;
  /** Runs the handler. May be synchronous. */
  run(): unknown;
  /** Ended well. Called at most once, and never together with `failed`. */
  succeeded(result: unknown, durationMs: number): void;
  /** Threw or rejected. */
  failed(error: unknown, durationMs: number): void;
  /** Ran out of time; it may still be running. */
  timedOut(durationMs: number): void;
  /** Did not end within `abandonAfterMs` after running out of time: its slot has gone to another. */
  abandoned(): void;
  /** Was not finished before the end of the drain. `running` tells whether it had begun. */
  cutOff(running: boolean): void;
}

/** How a group runs its jobs. */
export interface GroupOptions {
  readonly clock: Clock;
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** Whether jobs of one key run one after another. */
  readonly keyed: boolean;
  readonly abandonAfterMs: number;
}

/** After so many jobs in a row, sockets and timers get their turn. */
const JOBS_PER_TURN = 64;

/**
 * The queue of work of one delivery group (architecture, section 5). Jobs start in order of arrival; with keys, a job
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

/** One job that holds a slot. */
class Run {
  readonly job: Job;
  readonly #options: GroupOptions;
  readonly #release: (run: Run) => void;
  #timer: Timer | undefined;
  #begin = 0;
  /** Whether the job has been told how it ended. */
  #told = false;
  /** Whether the slot is given back. */
  #released = false;

  constructor(job: Job, options: GroupOptions, release: (run: Run) => void) {
    this.job = job;
    this.#options = options;
    this.#release = release;
  }

  start(): void {
    const { clock } = this.#options;
    this.#begin = clock.elapsed();
    const timeLeftMs = this.job.timeLeftMs();
    if (timeLeftMs <= 0) {
      this.#tell(() => this.job.timedOut(0));
      this.#end();
      return;
    }
    try {
      const result = this.job.run();
      if (!isThenable(result)) {
        this.#succeeded(result);
        return;
      }
      this.#timer = clock.setTimer(timeLeftMs, () => this.#onTimeout());
      // Inside of the `try`: a promise may have a `constructor` or a `then` of its own, which throws here and now.
      Promise.resolve(result).then(
        (value) => this.#succeeded(value),
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  cutOff(): void {
    this.#tell(() => this.job.cutOff(true));
    this.#end();
  }

  #succeeded(result: unknown): void {
    this.#tell(() => this.job.succeeded(result, this.#durationMs()));
    this.#end();
  }

  #failed(error: unknown): void {
    this.#tell(() => this.job.failed(error, this.#durationMs()));
    this.#end();
  }

  #onTimeout(): void {
    this.#tell(() => this.job.timedOut(this.#durationMs()));
    this.#timer = this.#options.clock.setTimer(this.#options.abandonAfterMs, () => {
      this.job.abandoned();
      this.#end();
    });
  }

  #durationMs(): number {
    return this.#options.clock.elapsed() - this.#begin;
  }

  #tell(how: () => void): void {
    if (this.#told) return;
    this.#told = true;
    how();
  }

  #end(): void {
    if (this.#released) return;
    this.#released = true;
    this.#timer?.cancel();
    this.#release(this);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** First in, first out, without moving what waits: an array's `shift` is linear in its length. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index] as T;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length || (this.#head > 1_024 && this.#head * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
