import type { Row } from '../cases/case.js';
import { type Amounts, warmUp } from './amounts.js';
import type { Measured } from './measure.js';
import { Stage } from './stage.js';

/** Encoding or decoding in one process, without a bus. */
export async function measureCodec(row: Row, amounts: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row, { server: false });
  const child = await stage.contender();
  const { setting } = row;
  const run = (count: number) => child.call('codec', { setting, count });
  const messages = await warmUp(run, amounts);
  const ms = await run(messages);
  return { messages, values: { perSecond: (messages / ms) * 1_000, each: (ms * 1_000) / messages } };
}
