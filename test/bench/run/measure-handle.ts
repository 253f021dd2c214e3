import { until } from '../../soak/run/until.js';
import type { Row } from '../cases/case.js';
import type { Amounts } from './amounts.js';
import type { Measured } from './measure.js';
import { Stage } from './stage.js';
import { streamState } from './stored.js';
import { usedBy } from './used.js';

/** How long the last acknowledgements may take. */
const PATIENCE_MS = 10_000;

/** Events that lie in a stream: from a fifth of them on it is measured until the last one is handled. */
export async function measureHandle(row: Row, { stored }: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row, { jetstream: true });
  const opening = stage.opening(false);
  const [sender, receiver] = await Promise.all([stage.contender(), stage.contender()]);
  await sender.call('prepare', opening);
  await sender.call('send', opening);
  await sender.call('calls', { from: 0, count: stored });

  const mark = stored / 5;
  await receiver.call('receive', { ...opening, aim: { target: stored, mark } });
  const ended = await receiver.call('reached');
  const used = await receiver.call('end');
  const ms = ended - (await receiver.call('markedAt'));
  const messages = stored - mark;

  const { received, outOfOrder } = await receiver.call('arrived');
  if (received !== stored || outOfOrder > 0) {
    throw new Error(`of ${stored} events ${received} were handled, ${outOfOrder} out of order`);
  }
  if (!(await until(async () => (await streamState(stage.url)).unfinished === 0, PATIENCE_MS))) {
    const { unfinished } = await streamState(stage.url);
    throw new Error(`of ${stored} handled events ${unfinished} were not acknowledged`);
  }
  return { messages, values: { perSecond: (messages / ms) * 1_000, ...usedBy('receiver', used, messages) } };
}
