import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../transport/clock.js';

const COUNT_EVERY_MS = 1_000;

/**
 * Logs errors that bad input may cause by the thousands: the first of each kind at once, then one line a second with
 * the number of the others.
 */
export class Reporter {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #more = new Map<string, { count: number; text: string; fields: object }>();
  #timer: Timer | undefined;
  /** Lines that the logger threw at. */
  #unwritten = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * @param who the handler, or the topic where there is none
   * @param fields of the log line
   */
  report(who: string, error: BusError, fields: object): void {
    this.reportFlood(who, error.reason ?? error.code, () => error, fields);
  }

  /** The same for what must cost next to nothing: the error is made only where a line is written for it. */
  reportFlood(who: string, reason: string, errorOf: () => BusError, fields: object): void {
    const kind = `${who} ${reason}`;
    const known = this.#more.get(kind);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const error = errorOf();
    this.#write('error', { ...fields, err: error }, error.message);
    this.#more.set(kind, { count: 0, text: `${who}: ${reason}`, fields });
    this.#timer ??= this.#clock.setTimer(COUNT_EVERY_MS, () => this.#count());
  }

  /** Logs what is no trouble, for those who look closely: one line each, at the level 'debug'. */
  note(error: BusError, fields: object): void {
    if (this.#logger.isLevelEnabled('debug')) this.#write('debug', fields, error.message);
  }

  /** Logs what is counted and not said yet, and stops its timer. */
  close(): void {
    this.#timer?.cancel();
    this.#count();
    this.#timer?.cancel();
  }

  /** A log that can't be written must not keep messages from being handled; the next line that can be says so. */
  #write(level: 'error' | 'debug', fields: object, text: string): void {
    const unwritten = this.#unwritten === 0 ? {} : { unwritten: this.#unwritten };
    try {
      this.#logger[level]({ ...fields, ...unwritten }, text);
      this.#unwritten = 0;
    } catch {
      this.#unwritten += 1;
    }
  }

  #count(): void {
    this.#timer = undefined;
    for (const [kind, entry] of this.#more) {
      if (entry.count === 0) {
        this.#more.delete(kind);
        continue;
      }
      this.#write('error', { ...entry.fields, count: entry.count }, `${entry.count} more of ${entry.text}`);
      entry.count = 0;
    }
    if (this.#more.size > 0) this.#timer = this.#clock.setTimer(COUNT_EVERY_MS, () => this.#count());
  }
}

/** What a handler threw, as a `BusError` that names where it happened. A `BusError` keeps its code and reason. */
export function handlerError(
  place: { service: string; handler: string; topic: string; type: string },
  thrown: unknown,
): BusError {
  const where = `${place.handler} of ${place.service} failed on ${place.type} from '${place.topic}'`;
  const error = BusError.from(thrown);
  return new BusError(`${where}: ${error.rawMessage}`, {
    ...(BusError.is(thrown)
      ? { code: error.code, reason: error.reason, details: error.details }
      : { reason: 'TERABUS_HANDLER_FAILED' as const }),
    cause: thrown,
  });
}
