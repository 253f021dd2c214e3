import { setTimeout as pause } from 'node:timers/promises';
import type { RunArguments } from './arguments.js';
import { saysThatAllIsLost } from './expectations.js';
import { startInMemory } from './in-memory.js';
import { startInProcesses } from './in-processes.js';
import { interruption } from './interruption.js';
import { LiveView } from './live-view.js';
import type { Sighting } from './sighting.js';
import type { System } from './system.js';
import { Tally } from './tally.js';

/** Everything expected must have been seen by then. */
const DEADLINE_MS = 20_000;

const pace = {
  once: { play: 'once', pauseMs: 0 },
  forever: { play: 'forever', pauseMs: 1_200 },
} as const;

/** Runs the system until it was seen to work (`once`), until a signal, or until it breaks. Gives the exit code. */
export async function runTelerehab({ once, memory }: Pick<RunArguments, 'once' | 'memory'>): Promise<number> {
  const interrupted = interruption();
  const view = new LiveView(process.stdout);
  const tally = new Tally();
  let isDecided = () => {};
  const decided = new Promise<void>((resolve) => {
    isDecided = resolve;
  });
  const report = (seen: Sighting) => {
    view.show(seen);
    if (!once) return;
    tally.add(seen);
    if (tally.isWhole || saysThatAllIsLost(seen)) isDecided();
  };

  let system: System;
  try {
    system = await (memory ? startInMemory : startInProcesses)(once ? pace.once : pace.forever, report);
  } catch (error) {
    view.end();
    console.error(`The example could not start: ${(error as Error).message}`);
    return 1;
  }
  view.open(`Running: ${system.description.join(', ')}.${once ? '' : ' Ctrl-C ends it.'}`);

  const over = new AbortController();
  const end = await Promise.race([
    interrupted,
    system.broken,
    ...(once ? [decided, pause(DEADLINE_MS, undefined, { signal: over.signal })] : []),
  ]);
  over.abort();
  if (typeof end === 'string') view.say(`${end}: ending the others.`);
  await system.stop();
  view.end();

  if (typeof end === 'string') return 1;
  if (typeof end === 'number') return once ? end : 0;
  console.log(tally.summary());
  return tally.isWhole ? 0 : 1;
}
