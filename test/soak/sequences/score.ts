import type { BusEvent, Verdict } from '@terabus/core';
import type { Judgement } from './truth.js';

/** Holds what a host said of its arrivals against the truth. */
export class Score {
  /** Arrivals that were not the next of their sender, and how many of them the host judged rightly. */
  deserved = 0;
  found = 0;
  /** Arrivals of which the host said what was not so. */
  wrong = 0;
  readonly notes: string[] = [];
  /** What the host's gaps add up to, less what came late or was named as given up later. */
  countedLoss = 0;
  #said: Verdict | undefined;

  /** Takes what the host tells while it is given one message. */
  readonly observer = (event: BusEvent): void => {
    if (event.kind === 'sequence') this.#said = event.verdict;
  };

  /** The host was given one message. */
  compare(judgement: Judgement): void {
    const said = this.#said ?? { kind: 'in-order', missing: 0 };
    this.#said = undefined;
    this.add(judgement, said);
  }

  add({ verdict: wanted, recovered }: Judgement, said: Verdict): void {
    this.countedLoss += said.missing - recovered;
    const right = said.kind === wanted.kind && said.missing === wanted.missing;
    if (wanted.kind !== 'in-order') {
      this.deserved += 1;
      this.found += Number(right);
    }
    if (right) return;
    this.wrong += 1;
    if (this.notes.length < 5) this.notes.push(`${JSON.stringify(said)} should have been ${JSON.stringify(wanted)}`);
  }
}
