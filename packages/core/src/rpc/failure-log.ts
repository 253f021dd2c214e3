import { handlerError } from '../observe/reporter.js';
import type { Clock } from '../transport/clock.js';
import type { PreparedMethod } from './answer.js';

/** A line with a stack is some 2 kB: of one method so many a second fill no disk, and are more than anybody reads. */
const LINES_PER_SECOND = 10;

/** Under which id a failure is in the log. */
export interface LoggedFailure {
  readonly errorId: string;
  /** Whether the line is that of this very failure, or of another one of the same second. */
  readonly isOwn: boolean;
}

/**
 * The lines of the log that callers are told to look for: what a method threw beside `BusError`s stays here, and its
 * caller gets an id. How many failed is in the counted lines of the reporter, which logs them as it does all others.
 */
export class FailureLog {
  readonly #newId: () => string;
  readonly #clock: Clock;
  readonly #seconds = new Map<PreparedMethod, { readonly began: number; lines: number; errorId: string }>();

  constructor({ newId, clock }: { readonly newId: () => string; readonly clock: Clock }) {
    this.#newId = newId;
    this.#clock = clock;
  }

  /** Writes the line of a failure, unless its method has had its lines of this second. */
  log(method: PreparedMethod, topic: string, thrown: unknown): LoggedFailure {
    const now = this.#clock.elapsed();
    let second = this.#seconds.get(method);
    if (second === undefined || now - second.began >= 1_000) {
      second = { began: now, lines: 0, errorId: '' };
      this.#seconds.set(method, second);
    }
    if (second.lines === LINES_PER_SECOND) return { errorId: second.errorId, isOwn: false };
    second.lines += 1;
    second.errorId = this.#newId();
    const { errorId } = second;
    const { place, plan } = method;
    const { name } = plan.method;
    const err = handlerError({ service: place.service, handler: place.handler, topic, type: name }, thrown);
    try {
      place.logger.error({ err, errorId, method: name }, `the caller was told to look for ${errorId}`);
    } catch {
      // A log that can't be written must not keep the caller from its answer; the reporter counts such lines.
    }
    return { errorId, isOwn: true };
  }
}
