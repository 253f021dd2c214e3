import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
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

/** The variable that names the folder for profiles. */
export const PROFILES = 'BENCH_PROFILES';

/** Measures a process from inside. */
export class Meters {
  readonly #cpu = process.cpuUsage();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #profile = process.env[PROFILES] === undefined ? undefined : beginProfile(process.env[PROFILES]);

  constructor() {
    this.#delay.enable();
  }

  end(): Used {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#delay.disable();
    this.#profile?.();
    const delayMs = this.#delay.count === 0 ? 0 : Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS);
    return { cpuUs: user + system, peakBytes: process.resourceUsage().maxRSS * 1_024, delayMs };
  }
}

/** Profiles what runs until the function is called that it returns, into a file named after the program. */
function beginProfile(folder: string): () => void {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 200 });
  session.post('Profiler.start');
  return () => {
    session.post('Profiler.stop', (error, { profile }) => {
      if (error) throw error;
      const program = process.argv[1]?.split('/').at(-1)?.replace('.js', '');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${program}-${process.pid}.cpuprofile`), JSON.stringify(profile));
    });
    session.disconnect();
  };
}

/** What is left when the garbage is taken away, in bytes. Needs `--expose-gc`. */
export async function settledMemory(): Promise<number> {
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}
