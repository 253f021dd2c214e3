import type { Clock } from '../transport/clock.js';
import type { QueueLimits } from './limits.js';

/** One piece of work of a group: a message for one handler, or a call. */
export interface Job {
  /** Jobs of one key run one after another. Ignored where the group has no keys. */
  readonly key: unknown;
  /** What it came in, with its headers, in bytes on the wire. */
  readonly bytes: number;
  /** When it came, on `clock.elapsed()`. */
  readonly arrivedAt: number;
  /**
   * How long it may run, in milliseconds, decided when it starts: now, on `clock.elapsed()`. 0 or less: its time is over already.
   */
  timeLeftMs(now: number): number;
  /** Runs the handler, at the same moment. May be synchronous. */
  run(now: number): unknown;
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
  /** Its key stays taken when its slot is given back: until {@link DeliveryGroup.letGo}, or its next run. */
  readonly keepsKey?: boolean;
  /** It was to run while others are held, and has to wait for others of its key first. */
  behind?(): void;
  /** It has given back its slot, and its key unless it keeps that. */
  released?(): void;
}

/** How a group runs its jobs. */
export interface GroupOptions {
  readonly clock: Clock;
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** Whether jobs of one key run one after another. */
  readonly keyed: boolean;
  readonly abandonAfterMs: number;
  /** How much may wait. */
  readonly limits: QueueLimits;
}
