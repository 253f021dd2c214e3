import { type BusError, isReason } from '@terabus/messages';
import { z } from 'zod';

/** When calls of idempotent methods are made again. */
export interface CallRetryOptions {
  /**
   * How many tries beside the first one each call of a service earns, on average. Defaults to 0.1: a callee that is in
   * trouble gets at most a tenth more of requests for it. With a `reserve` of 0 too nothing is tried again.
   */
  readonly ratio?: number | undefined;
  /**
   * How many such tries a service has from its start, for those that make few calls. Defaults to 10. At most 100 are
   * saved up, or as many as the reserve has.
   */
  readonly reserve?: number | undefined;
  /** From 0 up to 1, for the length of the waits in between. Defaults to `Math.random`; tests hand in their own. */
  readonly random?: (() => number) | undefined;
}

/** Checks {@link CallRetryOptions} and fills in what is left out. */
export const callRetries = z
  .strictObject({
    ratio: z.number().min(0).max(1).default(0.1),
    reserve: z.int().min(0).max(10_000).default(10),
    random: z.custom<() => number>((value) => typeof value === 'function', 'a function').default(() => Math.random),
  })
  .prefault({});

export type CallRetries = z.output<typeof callRetries>;

const MOST_SAVED = 100;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Ten times a tenth is a little less than one. */
const ONE = 1 - 1e-9;

/** The tries beside the first one that the calls of a service have earned and not used. */
export class RetryBudget {
  readonly #retries: CallRetries;
  #saved: number;

  constructor(retries: CallRetries) {
    this.#retries = retries;
    this.#saved = retries.reserve;
  }

  /** A call is made. */
  earn(): void {
    const { ratio, reserve } = this.#retries;
    this.#saved = Math.min(Math.max(MOST_SAVED, reserve), this.#saved + ratio);
  }

  /** Whether a call may be tried once more. */
  spend(): boolean {
    if (this.#saved < ONE) return false;
    this.#saved -= 1;
    return true;
  }

  /** For how many milliseconds to wait after the n-th wait, from 0. No two callers come back at the same moment. */
  waitMs(n: number): number {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(n, 10));
    return longest * (0.5 + this.#retries.random() / 2);
  }
}

const TRY_AGAIN: ReadonlySet<string | undefined> = new Set(['TERABUS_DISCONNECTED', 'TERABUS_DRAINING']);

/**
 * Whether an error says that the callee did not execute the call, or that the link was lost: UNAVAILABLE, but not that
 * nobody is there, which callers want to know at once. Unless the link was lost in this very call: with the server the
 * callee lost its link too, and may come back a little later.
 */
export const canBeTriedAgain = ({ code, reason }: BusError, linkWasLost: boolean): boolean =>
  TRY_AGAIN.has(reason) ||
  (code === 'UNAVAILABLE' && !isReason(reason)) ||
  (linkWasLost && reason === 'TERABUS_NO_RESPONDERS');
