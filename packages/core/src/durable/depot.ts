import { BusError } from '@terabus/messages';
import type { Reporter } from '../observe/reporter.js';
import type { Clock } from '../transport/clock.js';
import type { StoreMessage } from '../transport/streams.js';
import type { Transport } from '../transport/transport.js';

const TIMEOUT_MS = 5_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Where the problem of the bucket of marks stands: no stream is called so. */
const MARKS = '';

/**
 * Stores what a service could not handle: tries until it is stored, since a message is only then given up. Knows what
 * keeps the service from settling its messages.
 */
export class Depot {
  readonly #service: string;
  readonly #transport: Pick<Transport, 'streams'>;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  /** What keeps it from storing, by stream. */
  readonly #problems = new Map<string, BusError>();
  readonly #sleepers = new Set<() => void>();
  #givenUp = false;

  constructor(service: string, transport: Pick<Transport, 'streams'>, clock: Clock, reporter: Reporter) {
    this.#service = service;
    this.#transport = transport;
    this.#clock = clock;
    this.#reporter = reporter;
  }

  get problems(): readonly BusError[] {
    return [...this.#problems.values()];
  }

  /** Resolves with whether it is stored: false only when {@link giveUp} was called. Never rejects. */
  async store(message: StoreMessage): Promise<boolean> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
      try {
        await this.#transport.streams.store(message, TIMEOUT_MS);
        this.#problems.delete(message.stream);
        return true;
      } catch (thrown) {
        this.#failed(message.stream, BusError.from(thrown));
      }
      if (this.#givenUp) return false;
      await this.#sleep(waitMs);
      if (this.#givenUp) return false;
    }
  }

  /** Whether what can't be put aside goes back to where it came from. */
  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** The bucket of marks does not answer, or has no room: what was to be handled once waits for it. */
  notMarked(error: BusError): void {
    const problem = new BusError(
      `what ${this.#service} handles once waits, since its bucket of marks can't be asked: ${error.rawMessage}`,
      { code: error.code, reason: error.reason, cause: error },
    );
    this.#problems.set(MARKS, problem);
  }

  marked(): void {
    this.#problems.delete(MARKS);
  }

  /** From now on what is refused is not tried again: the service drains, and it is still where it came from. */
  giveUp(): void {
    this.#givenUp = true;
    this.#problems.delete(MARKS);
    for (const wake of this.#sleepers) wake();
  }

  /** The service is active again. */
  resume(): void {
    this.#givenUp = false;
  }

  #failed(stream: string, error: BusError): void {
    const problem = new BusError(
      `what ${this.#service} could not handle is kept, since '${stream}' does not take it: ${error.rawMessage}`,
      { code: error.code, reason: error.reason, cause: error },
    );
    this.#problems.set(stream, problem);
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
