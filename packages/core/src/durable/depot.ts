import { BusError } from '@terabus/messages';
import type { Reporter } from '../observe/reporter.js';
import type { Clock } from '../transport/clock.js';
import type { StoreMessage } from '../transport/streams.js';
import type { Transport } from '../transport/transport.js';

const TIMEOUT_MS = 5_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** A stream that does not take what it is given. */
interface Refusal {
  problem: BusError;
  /** Those that are kept because of it. */
  readonly kept: Set<object>;
}

/**
 * Stores what a service could not handle: tries until it is stored, since a message is only then given up. Knows what
 * keeps the service from settling its messages.
 */
export class Depot {
  readonly #service: string;
  readonly #transport: Pick<Transport, 'streams'>;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  /** By stream. */
  readonly #refusals = new Map<string, Refusal>();
  #marksProblem: BusError | undefined;
  readonly #sleepers = new Set<() => void>();
  #givenUp = false;

  constructor(service: string, transport: Pick<Transport, 'streams'>, clock: Clock, reporter: Reporter) {
    this.#service = service;
    this.#transport = transport;
    this.#clock = clock;
    this.#reporter = reporter;
  }

  get problems(): readonly BusError[] {
    const problems = [...this.#refusals.values()].map(({ problem }) => problem);
    return this.#marksProblem === undefined ? problems : [...problems, this.#marksProblem];
  }

  /** Resolves with whether it is stored: false only when {@link giveUp} was called. Never rejects. */
  async store(message: StoreMessage): Promise<boolean> {
    const isStored = await this.#store(message, message, false);
    this.forget(message);
    return isStored;
  }

  /**
   * The same for what is tried again, which ends with false also where the stream is full: it may be full of what can
   * only leave it when something else is stored there. `who` counts as kept then, until {@link forget}.
   *
   * "Full" is the one refusal that a try may be spent on. A stream that does not answer may have it. One that is away or
   * forbidden comes back, often together with what the handler missed. What an earlier attempt stored after all, a
   * full stream knows by its message id.
   */
  storeRetry(message: StoreMessage, who: object): Promise<boolean> {
    return this.#store(message, who, true);
  }

  /** It is kept no more, whatever has become of it. */
  forget(who: object): void {
    if (this.#refusals.size === 0) return;
    for (const [stream, { kept }] of this.#refusals) {
      if (kept.delete(who) && kept.size === 0) this.#refusals.delete(stream);
    }
  }

  /** Whether what can't be put aside goes back to where it came from. */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** The inbox can't be asked, or its bucket has no room: what was to be handled once waits for it. */
  notMarked(error: BusError): void {
    if (this.#givenUp) return;
    const problem = new BusError(
      `what ${this.#service} handles once waits, since its inbox can't be asked: ${error.rawMessage}`,
      { code: error.code, reason: error.reason, cause: error },
    );
    this.#marksProblem = problem;
  }

  marked(): void {
    this.#marksProblem = undefined;
  }

  /** From now on what is refused is not tried again: the service drains, and it is still where it came from. */
  giveUp(): void {
    this.#givenUp = true;
    this.#marksProblem = undefined;
    for (const wake of this.#sleepers) wake();
  }

  /** The service is active again. */
  resume(): void {
    this.#givenUp = false;
  }

  async #store(message: StoreMessage, who: object, endsWhenFull: boolean): Promise<boolean> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
      try {
        await this.#transport.streams.store(message, TIMEOUT_MS);
        this.#refusals.delete(message.stream);
        return true;
      } catch (thrown) {
        const error = BusError.from(thrown);
        this.#refused(message.stream, who, error);
        if (endsWhenFull && error.reason === 'TERABUS_STREAM_FULL') return false;
      }
      if (this.#givenUp) return false;
      await this.#sleep(waitMs);
      if (this.#givenUp) return false;
    }
  }

  #refused(stream: string, who: object, error: BusError): void {
    const problem = new BusError(
      `what ${this.#service} could not handle is kept, since '${stream}' does not take it: ${error.rawMessage}`,
      { code: error.code, reason: error.reason, cause: error },
    );
    const refusal = this.#refusals.get(stream) ?? { problem, kept: new Set() };
    refusal.problem = problem;
    refusal.kept.add(who);
    this.#refusals.set(stream, refusal);
    this.#reporter.report(stream, problem, { stream });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = this.#clock.setTimer(ms, wake);
      this.#sleepers.add(wake);
    });
  }
}
