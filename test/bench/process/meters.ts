import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Between two looks of the histogram, in milliseconds: a loop that is not delayed shows as much. */
const RESOLUTION_MS = 5;

/** What a process needed while it was measured. */
export interface Used {
  /** User and system time, in microseconds. */
  readonly cpuUs: number;
  /** The peak of the resident memory, from the start of the process on, in bytes. */
  readonly peakBytes: number;
  /** How late the event loop turned, in milliseconds, in 99 of 100 looks. */
  readonly delayMs: number;
}

/** Measures a process from inside. */
export class Meters {
  readonly #cpu = process.cpuUsage();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#delay.enable();
  }

  end(): Used {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#delay.disable();
    const delayMs = this.#delay.count === 0 ? 0 : Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS);
    return { cpuUs: user + system, peakBytes: process.resourceUsage().maxRSS * 1_024, delayMs };
  }
}

/** What is left when the garbage is taken away, in bytes. Needs `--expose-gc`. */
export async function settledMemory(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}
