import type { OpenBus } from '@terabus/core';
import { openBus } from '@terabus/core';
import { DeviceEvent, LogEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure, type Soak } from '../run/figure.js';
import { until } from '../run/until.js';
import type { HandlersMethods } from './handlers-process.js';
import { hanging, misbehaviours } from './misbehaviour.js';
import { ABANDON_AFTER_MS, Handlers, mixed, neighbours, SLOTS } from './service.js';

/** After so many misbehaviours the next wait for these to end: this is about isolation, not about overload. */
const WAVE = 400;
const PATIENCE_MS = 20_000;

interface Size {
  readonly misbehaviours: number;
}

/** Handlers that throw, reject with anything, or hang, cost their own message and no other. */
export const handlers = defineFigure<Size>({
  name: 'handlers',
  promise: 'a handler that throws, rejects with anything or hangs costs its own message and nothing else',
  sizes: { small: { misbehaviours: 200 }, short: { misbehaviours: 10_000 }, long: { misbehaviours: 100_000 } },
  async run(size, soak) {
    await using server = await startNatsServer();
    const child = await Child.start<HandlersMethods>(new URL('./handlers-process.js', import.meta.url));
    const transport = await connectNats({ servers: server.url });
    try {
      await child.call('start', server.url);
      const sent = await misbehave(size, soak, child, openBus({ transport, source: 'soak' }));
      const free = await freeSlots(child, openBus({ transport, source: 'soak' }));
      const seen = await child.call('report');
      return {
        did:
          `${size.misbehaviours.toLocaleString('en-US')} handlers threw, rejected or hung ` +
          `(${misbehaviours.size} ways, ${seen.abandoned} hung until their slot was taken)`,
        checks: [
          count('failures counted', seen.failed, size.misbehaviours),
          atLeast('hung until their slot was taken', seen.abandoned, 1),
          count('siblings served', seen.siblings, sent.siblings),
          count('neighbours served', seen.neighbours, sent.neighbours),
          count('calls beside them answered', sent.echoed, sent.echoes),
          count('misbehaving calls that were answered well', sent.answered),
          count('disconnects', seen.disconnects),
          count('unhandled rejections', seen.unhandled.length),
          count('slots leaked by events', SLOTS - free.events),
          count('slots leaked by calls', SLOTS - free.calls),
        ],
        notes: seen.unhandled,
      };
    } finally {
      await child.kill();
      await transport.close();
    }
  },
});

async function misbehave(size: Size, { random, progress }: Soak, child: Child<HandlersMethods>, bus: OpenBus) {
  const sent = { siblings: 0, neighbours: 0, echoes: 0, echoed: 0, answered: 0, all: 0 };
  const names = [...misbehaviours.keys()];
  const client = bus.client(Handlers);
  const device = () => DeviceEvent.create({ deviceName: `${sent.siblings++}` });

  for (let done = 0; done < size.misbehaviours; ) {
    const calls: Promise<unknown>[] = [];
    for (let wave = 0; wave < WAVE && done < size.misbehaviours; wave++, done++) {
      const name = random.pick(names);
      sent.all += 1;
      switch (random.below(3)) {
        case 0:
          sent.all += 1;
          await bus.publishAll(mixed, random.shuffled([LogEvent.create({ message: name }), device()]));
          break;
        case 1:
          sent.all += 1;
          await bus.publish(mixed, LogEvent.create({ message: name }));
          await bus.publish(mixed, device());
          break;
        default:
          calls.push(
            client.misbehave(name).then(
              () => (sent.answered += 1),
              () => undefined,
            ),
          );
      }
      if (random.chance(0.2)) {
        sent.all += 1;
        await bus.publish(neighbours, `${sent.neighbours++}`);
      }
      if (random.chance(0.1)) {
        sent.all += 1;
        const n = sent.echoes++;
        calls.push(
          client.echo(n).then(
            (echo) => (sent.echoed += Number(echo === n)),
            () => undefined,
          ),
        );
      }
    }
    await Promise.all(calls);
    await until(async () => (await child.call('ended')) >= sent.all, PATIENCE_MS);
    if (done % (WAVE * 5) === 0)
      progress(`${done} of ${size.misbehaviours} (${Object.keys(hanging).length} ways to hang)`);
  }
  return sent;
}

/** How many handlers run at once, when all that hung have had their time. */
async function freeSlots(child: Child<HandlersMethods>, bus: OpenBus) {
  await new Promise((resolve) => setTimeout(resolve, ABANDON_AFTER_MS * 3));
  const all = Array.from({ length: SLOTS });
  await Promise.all(all.map(() => bus.publish(mixed, DeviceEvent.create({ deviceName: 'meet' }))));
  await Promise.allSettled(all.map(() => bus.client(Handlers).meet()));
  await until(async () => (await child.call('report')).met.events >= SLOTS, ABANDON_AFTER_MS * 3);
  return (await child.call('report')).met;
}
