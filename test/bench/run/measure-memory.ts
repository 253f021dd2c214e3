import { setTimeout as pause } from 'node:timers/promises';
import type { Row } from '../cases/case.js';
import type { IdleMethods } from '../idle/idle.js';
import type { Amounts } from './amounts.js';
import type { Measured } from './measure.js';
import { Pair } from './measure-stream.js';
import { Stage } from './stage.js';

const MEGABYTE = 2 ** 20;

const idle = {
  raw: new URL('../idle/connected-process.js', import.meta.url),
  terabus: new URL('../idle/service-process.js', import.meta.url),
};

/** The memory of a process that has connected, and does nothing. */
export async function measureIdle(row: Row, { idleMs }: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row);
  const child = await stage.program<IdleMethods>(row.contender === 'raw' ? idle.raw : idle.terabus);
  await child.call('start', stage.url);
  await pause(idleMs);
  return { messages: 0, values: { memory: (await child.call('memory')) / MEGABYTE } };
}

/** What many events leave behind in both processes, when their garbage is taken away. */
export async function measureGrowth(row: Row, { settled, growth }: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row);
  const pair = await Pair.open(stage);
  const memories = async () =>
    [await pair.sender.call('settledMemory'), await pair.receiver.call('settledMemory')] as const;
  // Room for all in the tally, which is not what is measured.
  await pair.receiver.call('aim', { target: settled + growth });
  await pair.stream(settled);
  const before = await memories();
  await pair.stream(growth);
  const behind = await memories();
  await pair.check();
  return {
    messages: growth,
    values: {
      senderGrowth: (behind[0] - before[0]) / MEGABYTE,
      receiverGrowth: (behind[1] - before[1]) / MEGABYTE,
    },
  };
}
