import { Deadlines } from '../transport/deadlines.js';
import { Alone } from './alone.js';
import { Ends } from './ends.js';
import type { GroupOptions, Job } from './job.js';
import type { QueueLimit, QueueLimits } from './limits.js';
import { Queue } from './queue.js';
import { Run } from './run.js';
import { Turn } from './turn.js';

/** Who waits behind most jobs. Never pushed to. */
const NOBODY = new Queue<Job>();

/**
 * The queue of work of one delivery group. Jobs start in order of arrival; with keys, a job
 * also waits for those of its key. Whatever a job does, the others go on.
 */
export class DeliveryGroup {
  readonly #options: GroupOptions;
  readonly #ready = new Queue<Job>();
  /** The keys that are taken by a job that waits in `#ready` or runs, with those that wait behind it. */
  readonly #keys = new Map<unknown, Queue<Job>>();
  /** Each at its {@link Run.slot}. Not a set: the tables that one has grown out of keep what was in them from being collected. */
  readonly #running: Run[] = [];
  /** One whose handler ended at once: it takes the next job. */
  #spare: Run | undefined;
  #waiting = 0;
  #waitingBytes = 0;
  #dropped = 0;
  #pumping = false;
  #closed = false;
  readonly #turn: Turn;
  readonly #deadlines: Deadlines;
  readonly #ends = new Ends();
  /** What starts while the others are held. */
  readonly #alone = new Alone();

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#turn = Turn.of(options.clock);
  }

  /** How many jobs hold a slot. */
  get running(): number {
    return this.#running.length;
  }

  /** How many jobs wait for one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What they came in, in bytes on the wire. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How much may wait. */
  get limits(): QueueLimits {
    return this.#options.limits;
  }

  /** Whether at most half of what may wait does: who reads ahead leaves room for what comes by itself. */
  get hasRoom(): boolean {
    const { maxQueued, maxQueuedBytes } = this.#options.limits;
    return this.#waiting * 2 <= maxQueued && this.#waitingBytes * 2 <= maxQueuedBytes;
  }

  /** How often {@link admit} said no. */
  get dropped(): number {
    return this.#dropped;
  }

  /** For how many milliseconds the job that came first of those that wait has been waiting; 0 where none waits. */
  get oldestWaitingMs(): number {
    const now = this.#options.clock.elapsed();
    let oldest = this.#ready.first?.arrivedAt ?? now;
    for (const behind of this.#keys.values()) oldest = Math.min(oldest, behind.first?.arrivedAt ?? now);
    return now - oldest;
  }

  /**
   * Whether there is room for what arrives: undefined, or the limit that is reached; then it counts as dropped. An
   * envelope is taken as a whole, so the last one may go beyond the limits: one message of any size has its turn.
   */
  admit(): QueueLimit | undefined {
    const { maxQueued, maxQueuedBytes } = this.#options.limits;
    if (this.#waiting < maxQueued && this.#waitingBytes < maxQueuedBytes) return undefined;
    this.#dropped += 1;
    return this.#waiting < maxQueued ? 'maxQueuedBytes' : 'maxQueued';
  }

  /**
   * Takes a job in, whatever the limits: see {@link admit}. The job never starts inside this call: user code stays out of the transport's callbacks. After
   * {@link cutOff} it never starts at all, and is told so.
   */
  enqueue(job: Job): void {
    if (this.#closed) {
      job.cutOff(false);
      return;
    }
    this.#waiting += 1;
    this.#waitingBytes += job.bytes;
    if (this.#options.keyed) {
      const behind = this.#keys.get(job.key);
      if (behind !== undefined) {
        this.#waitBehind(job, behind);
        return;
      }
      this.#keys.set(job.key, NOBODY);
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
    const jobs = [...this.#running.map(({ job }) => job), ...queues.flatMap((queue) => [...queue])];
    return this.#ends.of(jobs.filter(which));
  }

  /**
   * A job that kept its key runs once more, before those that wait for its key. Not before it was told
   * that it is released.
   */
  again(job: Job): void {
    if (this.#closed) {
      job.cutOff(false);
      return;
    }
    this.#waiting += 1;
    this.#waitingBytes += job.bytes;
    this.#ready.push(job);
    this.#pumpSoon();
  }

  /** A job that kept its key does so no more: the next one of its key has its turn. */
  letGo(job: Job): void {
    if (!this.#options.keyed || this.#alone.endedWithoutKey(job)) return;
    this.#passKey(job);
    if (this.#ready.length > 0) this.#pumpSoon();
  }

  /** Starts nothing more until {@link resume}, but what {@link enqueueAlone} brings. */
  hold(): void {
    this.#alone.begin();
  }

  resume(): void {
    for (const job of this.#alone.end()) this.#ready.push(job);
    if (this.#ready.length > 0) this.#pumpSoon();
  }

  /** Whether its key has been taken by one that is held, or will be tried again in its place. */
  isBehind(job: Job): boolean {
    return this.#options.keyed && this.#keys.has(job.key) && !this.#alone.hasKey(job.key);
  }

  /** Takes in a job that runs before all others, while they are held. */
  enqueueAlone(job: Job): void {
    if (this.#closed || this.#alone.ready === undefined) {
      this.enqueue(job);
      return;
    }
    this.#waiting += 1;
    this.#waitingBytes += job.bytes;
    this.#startAlone(job);
    this.#pumpSoon();
  }

  /** Resolves when what runs now has ended. */
  rest(): Promise<void> {
    return this.#ends.of(this.#running.map(({ job }) => job));
  }

  /** Gives up on what waits, and goes on with what runs. */
  giveBack(): void {
    const waiting: Job[] = [];
    for (const behind of this.#keys.values()) {
      for (let job = behind.shift(); job !== undefined; job = behind.shift()) waiting.push(job);
    }
    for (let job = this.#ready.shift(); job !== undefined; job = this.#ready.shift()) {
      this.#keys.delete(job.key);
      waiting.push(job);
    }
    for (const job of waiting) {
      this.#waiting -= 1;
      this.#waitingBytes -= job.bytes;
      this.#alone.leave(job);
      job.cutOff(false);
      this.#ends.ended(job);
    }
  }

  /** Gives up on all that waits and runs, and on whatever still comes. */
  cutOff(): void {
    this.#closed = true;
    for (const ready of [this.#alone.ready ?? new Queue<Job>(), this.#ready]) {
      for (let job = ready.shift(); job !== undefined; job = ready.shift()) job.cutOff(false);
    }
    for (const behind of this.#keys.values()) {
      for (let job = behind.shift(); job !== undefined; job = behind.shift()) job.cutOff(false);
    }
    this.#keys.clear();
    this.#alone.clear();
    this.#waiting = 0;
    this.#waitingBytes = 0;
    for (const run of [...this.#running]) run.cutOff();
    this.#ends.allEnded();
  }

  /** Takes jobs again after {@link cutOff}. */
  reopen(): void {
    this.#closed = false;
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void Promise.resolve().then(this.#pumpNow);
  }

  readonly #pumpNow = (): void => this.#pump();

  #pump(): void {
    let now = this.#options.clock.elapsed();
    while (this.#running.length < this.#options.concurrency) {
      const ready = this.#alone.ready ?? this.#ready;
      if (ready.length === 0) break;
      if (!this.#turn.takes(now, this.#pumpNow)) return;
      const job = ready.shift() as Job;
      this.#waiting -= 1;
      this.#waitingBytes -= job.bytes;
      const run = this.#runOf(job);
      this.#running.push(run);
      now = run.start(now);
      if (!run.isOver) continue;
      run.forget();
      this.#spare = run;
    }
    this.#pumping = false;
  }

  #runOf(job: Job): Run {
    const slot = this.#running.length;
    const spare = this.#spare;
    if (spare === undefined) return new Run(job, this.#options, this.#deadlines, this.#released, slot);
    this.#spare = undefined;
    spare.reuse(job, slot);
    return spare;
  }

  #startAlone(job: Job): void {
    const behind = this.#options.keyed ? this.#keys.get(job.key) : undefined;
    if (!this.#options.keyed) this.#alone.start(job);
    else if (behind === undefined) {
      this.#keys.set(job.key, NOBODY);
      this.#alone.startWithKey(job);
    } else if (this.#alone.hasKey(job.key)) {
      this.#waitBehind(job, behind);
      this.#alone.waitBehind(job);
    } else this.#alone.startWithoutKey(job);
  }

  #waitBehind(job: Job, others: Queue<Job>): void {
    let behind = others;
    if (behind === NOBODY) {
      behind = new Queue();
      this.#keys.set(job.key, behind);
    }
    behind.push(job);
  }

  readonly #released = (run: Run): void => {
    this.#freeSlot(run);
    const { job } = run;
    this.#alone.ended(job);
    if (job.keepsKey === true) this.#leaveBehind(job);
    else if (this.#options.keyed && !this.#alone.endedWithoutKey(job)) this.#passKey(job);
    job.released?.();
    if (this.#ready.length > 0 || this.#alone.ready !== undefined) this.#pumpSoon();
    this.#ends.ended(job);
  };

  /** The last one moves there. */
  #freeSlot({ slot }: Run): void {
    const last = this.#running.pop();
    if (last === undefined || last.slot === slot) return;
    this.#running[slot] = last;
    last.slot = slot;
  }

  #passKey({ key }: Job): void {
    const next = this.#keys.get(key)?.shift();
    if (next === undefined) this.#keys.delete(key);
    else if (this.#alone.leave(next) && this.#alone.ready !== undefined) this.#alone.startWithKey(next);
    else this.#ready.push(next);
  }

  /** Who waits behind a job that will be tried again in its place does so for longer than others are held. */
  #leaveBehind({ key }: Job): void {
    for (const job of this.#keys.get(key) ?? []) if (this.#alone.leave(job)) job.behind?.();
  }
}
