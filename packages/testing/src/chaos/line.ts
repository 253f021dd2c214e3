import type { SeededRandom } from './seeded-random.js';

/** How the line of a proxy is, one way. */
export class Line {
  isBlocked = false;
  delayMs = 0;
  jitterMs = 0;
  bytesPerSecond = Number.POSITIVE_INFINITY;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  heal(): void {
    this.isBlocked = false;
    this.delayMs = 0;
    this.jitterMs = 0;
    this.bytesPerSecond = Number.POSITIVE_INFINITY;
  }

  /** How long what comes in is to be held. */
  drawDelayMs(): number {
    if (this.delayMs === 0 && this.jitterMs === 0) return 0;
    return Math.max(0, this.delayMs + (this.#random.next() * 2 - 1) * this.jitterMs);
  }
}
