import { BusError } from '@terabus/messages';
import type { Reporter } from '../observe/reporter.js';
import type { DeliveryGroup } from '../routing/delivery-group.js';
import { deferred } from '../service/deferred.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { KeyValue } from '../transport/key-value.js';

/** A message is a suspect when it was handed out so often before, and never finished. */
export const UNFINISHED = 3;

/**
 * A suspect is given up when its process has ended so often while nothing else ran. Where one of a thousand processes
 * is killed while a suspect without fault runs, three times in a row is one in 10⁹; two were seen.
 */
const MARKS = 3;

const WAIT_MS = 1_000;

/** A message that may end the process. */
export interface Suspect {
  /** What it is known by, over all processes. */
  readonly name: string;
  readonly marks: KeyValue;
  readonly reporter: Reporter;
  /** Runs it, as the only one. Resolves when its handlers have had their turn. */
  run(): Promise<void>;
  giveUp(error: BusError): void;
}

/**
 * Runs suspects one by one, each while no other message of the host is handled, with a mark in the store that is
 * there only meanwhile: what is found marked ended its process. Many are suspects without fault, since a process takes
 * down with it all that it had taken; they run alone, and are done.
 */
export class Suspects {
  readonly #clock: Clock;
  readonly #queues = new Set<() => readonly DeliveryGroup[]>();
  readonly #waiting: { readonly suspect: Suspect; marks: number | undefined }[] = [];
  #isWorking = false;
  #timer: Timer | undefined;
  #wake = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The queues of a service of the host: while a suspect runs, nothing else of them does. */
  beside(queues: () => readonly DeliveryGroup[]): void {
    this.#queues.add(queues);
  }

  /** One that has not begun is no matter any more. Says whether it was so. */
  withdraw(suspect: Suspect): boolean {
    const index = this.#waiting.findIndex((each) => each.suspect === suspect);
    if (index !== -1) this.#waiting.splice(index, 1);
    return index !== -1;
  }

  add(suspect: Suspect): void {
    this.#waiting.push({ suspect, marks: undefined });
    if (!this.#isWorking) void this.#work();
  }

  /** The host drains: it does not wait for a store that can't be reached. Those that run go on. */
  end(): void {
    this.#timer?.cancel();
    this.#wake();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    // What adds the first may add others in the same turn.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const reporter = this.#waiting[0]?.suspect.reporter as Reporter;
      try {
        await this.#lookUp();
        await this.#runNext();
      } catch (error) {
        const failed = BusError.from(error);
        reporter.report('suspects', failed, {});
        await this.#pause();
      }
    }
    this.#isWorking = false;
  }

  async #lookUp(): Promise<void> {
    for (const entry of [...this.#waiting]) {
      entry.marks ??= await marksOf(entry.suspect);
      if (entry.marks < MARKS || !this.#waiting.includes(entry)) continue;
      this.#waiting.splice(this.#waiting.indexOf(entry), 1);
      entry.suspect.giveUp(
        new BusError(`its process ended ${entry.marks} times while it was the only message that was handled`, {
          reason: 'TERABUS_PROCESS_ENDED',
        }),
      );
    }
  }

  /** Those that have a mark come last: whoever ends the process at random meets another one each time. */
  async #runNext(): Promise<void> {
    const next = this.#waiting.toSorted((left, right) => (left.marks ?? 0) - (right.marks ?? 0))[0];
    if (next === undefined) return;
    const { suspect, marks = 0 } = next;
    const queues = [...this.#queues].flatMap((each) => each());
    for (const queue of queues) queue.hold();
    try {
      await Promise.all(queues.map((queue) => queue.rest()));
      if (!this.#waiting.includes(next)) return;
      await suspect.marks.put(keyOf(suspect), MARK[marks] as Uint8Array);
      if (this.withdraw(suspect)) await suspect.run();
    } finally {
      for (const queue of queues) queue.resume();
    }
    await suspect.marks.delete(keyOf(suspect));
  }

  #pause(): Promise<void> {
    const woken = deferred<void>();
    this.#wake = woken.resolve;
    this.#timer = this.#clock.setTimer(WAIT_MS, woken.resolve);
    return woken.promise;
  }
}

const MARK = ['1', '2', '3'].map((text) => new TextEncoder().encode(text));

const keyOf = ({ name }: Suspect): string => `suspect.${name}`;

async function marksOf(suspect: Suspect): Promise<number> {
  const entry = await suspect.marks.get(keyOf(suspect));
  return entry === undefined ? 0 : Number(new TextDecoder().decode(entry.value)) || 0;
}
