import { serve } from '../../soak/run/child-process.js';
import { settledMemory } from '../process/meters.js';

/** Offers a process that connects and is idle. */
export function serveIdle(start: (url: string) => Promise<unknown>): void {
  serve(makeMethods(start));
}

const makeMethods = (start: (url: string) => Promise<unknown>) => ({
  async start(url: string): Promise<void> {
    await start(url);
  },
  memory: () => settledMemory(),
});

export type IdleMethods = ReturnType<typeof makeMethods>;
