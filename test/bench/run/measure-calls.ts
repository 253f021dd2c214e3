import type { Row } from '../cases/case.js';
import { type Amounts, warmUp } from './amounts.js';
import type { Measured } from './measure.js';
import { Stage } from './stage.js';
import { streamState } from './stored.js';
import { usedBy } from './used.js';

/** Calls that are answered, or publishes that are acknowledged, some of them on their way at a time. */
export async function measureCalls(row: Row, amounts: Amounts): Promise<Measured> {
  const isStored = row.setting.workload === 'store';
  await using stage = await Stage.open(row, { jetstream: isStored });
  const opening = stage.opening(false);
  const sender = await stage.contender();
  await sender.call('prepare', opening);
  const receiver = isStored ? undefined : await stage.contender();
  await receiver?.call('receive', opening);
  await sender.call('send', opening);

  let total = 0;
  const run = async (count: number) => {
    const result = await sender.call('calls', { from: total, count });
    total += count;
    return result;
  };
  const messages = await warmUp(async (count) => (await run(count)).ms, amounts);
  await Promise.all([sender.call('begin'), receiver?.call('begin')]);
  const { result, values } = await stage.serverCpu(messages, () => run(messages));
  const { ms, p50, p99 } = result;
  const [used, usedThere] = await Promise.all([sender.call('end'), receiver?.call('end')]);

  if (isStored) {
    const { stored } = await streamState(stage.url);
    if (stored !== total) throw new Error(`of ${total} events ${stored} are stored`);
  }
  return {
    messages,
    values: {
      perSecond: (messages / ms) * 1_000,
      p50,
      p99,
      ...usedBy('sender', used, messages),
      ...(usedThere && usedBy('receiver', usedThere, messages)),
      ...values,
    },
  };
}
