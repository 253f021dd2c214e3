import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { ConsumerPlan, StorePlan, StreamPlan } from '../store-plan.js';
import type { StreamDelivery } from '../streams.js';
import type { Transport } from '../transport.js';
import { MemoryBroker } from './memory-broker.js';
import { VirtualClock } from './virtual-clock.js';

// What every transport promises is the conformance suite's; here is what the memory broker has beside it.

function consumer(changes: Partial<ConsumerPlan> = {}): ConsumerPlan {
  return { name: 'reader', filter: 'news', ackWaitMs: 1_000, maxAckPending: 100, start: 'all', ...changes };
}

function plan(stream: Partial<StreamPlan> = {}): StorePlan {
  return {
    streams: [
      {
        name: 'news',
        subjects: ['news'],
        retention: 'limits',
        maxAgeMs: 0,
        maxMessages: -1,
        maxBytes: -1,
        maxMessagesPerSubject: -1,
        discard: 'new',
        duplicateWindowMs: 120_000,
        replicas: 1,
        republishTo: undefined,
        owned: true,
        consumers: [consumer()],
        ...stream,
      },
    ],
    buckets: [{ name: 'marks', ttlMs: 1_000, maxBytes: 1_000, replicas: 1 }],
  };
}

function store(transport: Transport, text: string, messageId = `id of ${text}`) {
  const message = { subject: 'news', stream: 'news', bytes: Buffer.from(text), messageId };
  return transport.streams.store(message, 1_000);
}

async function read(transport: Transport): Promise<StreamDelivery[]> {
  const deliveries: StreamDelivery[] = [];
  const options = { stream: 'news', consumer: 'reader', maxUnsettled: 100, maxUnsettledBytes: 10_000 };
  await transport.streams.consume(options, (delivery) => deliveries.push(delivery));
  return deliveries;
}

const texts = (deliveries: readonly StreamDelivery[]) =>
  deliveries.map(({ bytes, deliveries: times }) => `${Buffer.from(bytes)} ${times}`);

describe('streams of the MemoryBroker', () => {
  it('hand out what was stored, and again after the time for its acknowledgement', async () => {
    const clock = new VirtualClock();
    const broker = new MemoryBroker({ clock });
    broker.provision(plan());
    const transport = broker.connect();
    expect(await store(transport, 'a', 'one')).to.deep.equal({ stream: 'news', sequence: 1, duplicate: false });
    expect(await store(transport, 'a', 'one')).to.deep.equal({ stream: 'news', sequence: 1, duplicate: true });
    const deliveries = await read(transport);
    await store(transport, 'b');
    await broker.idle();
    expect(texts(deliveries)).to.deep.equal(['a 1', 'b 1']);
    deliveries[0]?.ack();
    await clock.advance(999);
    expect(texts(deliveries)).to.deep.equal(['a 1', 'b 1']);
    await clock.advance(1);
    expect(texts(deliveries)).to.deep.equal(['a 1', 'b 1', 'b 2']);
    deliveries[2]?.later(300);
    await clock.advance(299);
    expect(deliveries).to.have.length(3);
    await clock.advance(1);
    expect(texts(deliveries)).to.deep.equal(['a 1', 'b 1', 'b 2', 'b 3']);
    deliveries[3]?.working();
    await clock.advance(999);
    deliveries[3]?.working();
    await clock.advance(999);
    expect(deliveries).to.have.length(4);
    deliveries[3]?.ack();
    await clock.advance(10_000);
    expect(deliveries).to.have.length(4);
    expect(await transport.streams.consumerState('news', 'reader')).to.deep.equal({ pending: 0, unsettled: 0 });
  });
});
