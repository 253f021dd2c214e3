import type { Amount, BusError, Clock, Timer } from '@terabus/core/transport';

/** What waits, and is called once: to be sent, or with the error that ends the wait. */
export interface Waiting {
  readonly bytes: number;
  /** Whether it counts as a message; a flush that waits for its turn does not. */
  readonly message: boolean;
  readonly send: () => void;
  readonly fail: (error: BusError) => void;
}

/**
 * What one message costs beside its bytes: the objects that wait with it, from its publisher's promise on. Measured: 2 to
 * 3 KB each where a service publishes.
 */
const COST_OF_A_MESSAGE = 2_048;

/** Messages that wait, in their order, for a link or for room on it: no more than so many bytes, for no longer than so long. */
export class WaitingLine {
  readonly #clock: Clock;
  readonly #late: () => BusError;
  readonly #maxBytes: number;
  readonly #maxWaitMs: number;
  #line: { waiting: Waiting; endsAt: number }[] = [];
  #first = 0;
  #messages = 0;
  #bytes = 0;
  #timer: Timer | undefined;

  /** `late` makes the error of what has waited too long. */
  constructor(clock: Clock, { maxBytes, maxWaitMs }: { maxBytes: number; maxWaitMs: number }, late: () => BusError) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#maxWaitMs = maxWaitMs;
    this.#late = late;
  }

  get amount(): Amount {
    return { messages: this.#messages, bytes: this.#bytes };
  }

  get empty(): boolean {
    return this.#first === this.#line.length;
  }

  /** Whether a message of so many bytes may wait. One that is larger than the whole line may, if it waits alone. */
  hasRoom(bytes: number): boolean {
    if (this.#messages === 0) return true;
    return this.#bytes + bytes + (this.#messages + 1) * COST_OF_A_MESSAGE <= this.#maxBytes;
  }

  push(waiting: Waiting): void {
    this.#line.push({ waiting, endsAt: this.#clock.elapsed() + this.#maxWaitMs });
    this.#count(waiting, 1);
    this.#arm();
  }

  /** Sends from the front as long as `ready` says so. */
  release(ready: () => boolean): void {
    while (!this.empty && ready()) this.#shift().send();
    if (this.empty) this.#disarm();
  }

  /** Ends all waits. */
  failAll(error: BusError): void {
    while (!this.empty) this.#shift().fail(error);
    this.#disarm();
  }

  #shift(): Waiting {
    const { waiting } = this.#line[this.#first] as { waiting: Waiting };
    (this.#line as unknown[])[this.#first] = undefined;
    this.#first += 1;
    if (this.#first === this.#line.length || this.#first === 1_024) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    this.#count(waiting, -1);
    return waiting;
  }

  #count({ message, bytes }: Waiting, sign: 1 | -1): void {
    if (!message) return;
    this.#messages += sign;
    this.#bytes += sign * bytes;
  }

  #arm(): void {
    const first = this.#line[this.#first];
    if (this.#timer || first === undefined) return;
    this.#timer = this.#clock.setTimer(Math.max(0, first.endsAt - this.#clock.elapsed()), () => {
      this.#timer = undefined;
      this.#failLate();
      this.#arm();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #failLate(): void {
    const now = this.#clock.elapsed();
    for (;;) {
      const first = this.#line[this.#first];
      if (first === undefined || first.endsAt > now) return;
      this.#shift().fail(this.#late());
    }
  }
}
