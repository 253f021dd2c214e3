import { SUMS } from './lane-reporter.js';

/**
 * Puts together what several mochas write side by side. Stories stay whole: those of the first one are shown as they
 * come, the next one's when it has ended. Failures stand together at the end, under the sum of all.
 */
export class Lanes {
  /** @type {Lane[]} */
  #lanes = [];
  #shown = 0;
  #write;

  /** @param {(text: string) => void} write */
  constructor(write) {
    this.#write = write;
  }

  /** @returns {{ onOutput: (text: string) => void, onEnd: () => void }} */
  open() {
    const lane = new Lane();
    this.#lanes.push(lane);
    return {
      onOutput: (text) => {
        lane.take(text);
        this.#show();
      },
      onEnd: () => {
        lane.ended = true;
        this.#show();
      },
    };
  }

  /**
   * Writes the sum of all, and each lane's failures.
   *
   * @param {number} seconds
   */
  close(seconds) {
    const failed = this.#lanes.filter(({ sums }) => sums?.failures !== 0);
    for (const { rest } of failed) this.#write(rest);
    if (this.#lanes.some(({ sums }) => sums === undefined)) {
      this.#write('\n  Not all specs have run: a process ended before its last one.\n');
    }
    /** @param {'passes' | 'failures'} what */
    const sum = (what) => this.#lanes.reduce((total, { sums }) => total + (sums?.[what] ?? 0), 0);
    const failures = sum('failures');
    const time = `${Math.floor(seconds / 60)}m ${Math.round(seconds % 60)}s`;
    this.#write(`\n  ${sum('passes')} passing (${time})\n${failures > 0 ? `  ${failures} failing\n` : ''}\n`);
  }

  #show() {
    for (let lane = this.#lanes[this.#shown]; lane; lane = this.#lanes[++this.#shown]) {
      this.#write(lane.stories());
      if (!lane.ended) return;
    }
  }
}

class Lane {
  ended = false;
  #text = '';
  #shown = 0;

  /** @param {string} text */
  take(text) {
    this.#text += text;
  }

  /** Those that are new. */
  stories() {
    const stories = this.#split()[0];
    const text = stories.slice(this.#shown);
    this.#shown = stories.length;
    return text;
  }

  /** @returns {{ passes: number, failures: number } | undefined} */
  get sums() {
    const line = this.#split()[1]?.split('\n')[0];
    return line && JSON.parse(line);
  }

  /** What mocha says behind the stories. */
  get rest() {
    return this.#split()[1]?.split('\n').slice(1).join('\n') ?? '';
  }

  /** @returns {[string, string?]} */
  #split() {
    const at = this.#text.lastIndexOf(SUMS);
    return at === -1 ? [this.#text] : [this.#text.slice(0, at), this.#text.slice(at + SUMS.length)];
  }
}
