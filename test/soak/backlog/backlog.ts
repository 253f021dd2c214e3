import { connectNats, provision } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { connect } from 'nats';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure, memory } from '../run/figure.js';
import { unfinished } from '../run/stored.js';
import type { BacklogMethods } from './backlog-process.js';
import type { RawMethods } from './raw-process.js';
import { backlog, MESSAGE_BYTES, offers, plan } from './service.js';

const GROWTH_BYTES = 100 * 2 ** 20;
const SLOW_MS = 10;
/** On their way at a time, by Terabus and by nats.js. */
const MOST = 256;

interface Size {
  readonly messages: number;
  /** How long the slow handler is looked at. */
  readonly slowMs: number;
  /** To compare rates with. */
  readonly rated: number;
}

/** However much is stored, a service takes what it can work off. */
export const backlogs = defineFigure<Size>({
  name: 'backlog',
  promise: 'a service in front of a large backlog works it off without growing',
  sizes: {
    small: { messages: 2_000, slowMs: 300, rated: 1_000 },
    short: { messages: 200_000, slowMs: 10_000, rated: 50_000 },
    long: { messages: 1_000_000, slowMs: 60_000, rated: 200_000 },
  },
  async run({ messages, slowMs, rated }, { progress }) {
    await using server = await startNatsServer({ jetstream: true });
    const { url } = server;
    await provision(plan, { servers: url });
    const witness = await connectNats({ servers: url, name: 'witness' });
    const children = new Set<Child<never>>();
    const start = async <M extends BacklogMethods | RawMethods>(file: string) => {
      const child = await Child.start<M>(new URL(file, import.meta.url), { nodeOptions: ['--expose-gc'] });
      children.add(child as Child<never>);
      return child;
    };
    const service = async () => {
      const child = await start<BacklogMethods>('./backlog-process.js');
      await child.call('connect', url);
      return child;
    };
    try {
      const raw = await start<RawMethods>('./raw-process.js');
      await raw.call('connect', url);
      const subject = backlog.name;
      await raw.call('publish', { messages, most: MOST, subject });
      progress(`${messages} stored`);

      const slow = await service();
      await slow.call('handle', SLOW_MS);
      await pause(slowMs);
      const slowGrowth = await slow.call('growth');
      await slow.call('stop');
      const slowHandled = await slow.call('handled');
      const left = await unfinished(witness, plan);
      progress(`${slowHandled} handled slowly`);

      const fast = await service();
      const fastMs = await fast.call('handledAll', left);
      const fastGrowth = await fast.call('growth');
      await fast.call('stop');
      const fastHandled = await fast.call('handled');
      const unsettled = await unfinished(witness, plan);
      progress(`${fastHandled} handled fast`);

      const consumer = await secondReader(url, subject);
      const rawMs = await raw.call('consume', { ...consumer, messages });
      progress(`${messages} taken by nats.js`);

      const publisher = await service();
      const offer = { messages: rated, most: MOST };
      // Each in a first round that counts for nothing: code is compiled then.
      await publisher.call('publish', { ...offer, messages: Math.min(rated, 5_000) });
      const publishMs = await publisher.call('publish', offer);
      const publishGrowth = await publisher.call('growth');
      const rawPublishMs = await raw.call('publish', { ...offer, subject: offers.name });
      const stored = (await witness.streams.streamState(offers.name)).messages;

      const rate = (number: number, ms: number) => (number / ms) * 1_000;
      const compared = (what: string, own: number, other: number) =>
        `${what} ${Math.round(own).toLocaleString('en-US')} a second, ${(own / other).toFixed(2)} of nats.js alone`;
      return {
        did:
          `${messages.toLocaleString('en-US')} stored of ${MESSAGE_BYTES} bytes, ` +
          `${slowHandled.toLocaleString('en-US')} of them handled in ${SLOW_MS} ms each; ` +
          `${compared('handling', rate(left, fastMs), rate(messages, rawMs))}; ` +
          compared('publishing', rate(rated, publishMs), rate(rated, rawPublishMs)),
        checks: [
          count('handled', slowHandled + fastHandled, messages),
          count('unsettled', unsettled),
          count('stored by publishing', stored, Math.min(rated, 5_000) + 2 * rated),
          atLeast('handled by the slow one', slowHandled, 1),
          memory('growth with the slow handler', slowGrowth, GROWTH_BYTES),
          memory('growth with the fast one', fastGrowth, GROWTH_BYTES),
          memory('growth of the publisher', publishGrowth, GROWTH_BYTES),
        ],
      };
    } finally {
      await Promise.all([...children].map((child) => child.kill()));
      await witness.close();
    }
  },
});

/** A consumer like the service's, for somebody else. */
async function secondReader(url: string, subject: string) {
  const connection = await connect({ servers: url });
  const manager = await connection.jetstreamManager();
  const stream = await manager.streams.find(subject);
  const [consumer = ''] = (await manager.consumers.list(stream).next()).map((info) => info.name);
  const { config } = await manager.consumers.info(stream, consumer);
  await manager.consumers.add(stream, { ...config, name: 'raw', durable_name: 'raw' });
  await connection.close();
  return { stream, consumer: 'raw' };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
