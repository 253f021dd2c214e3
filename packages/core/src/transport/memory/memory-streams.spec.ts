import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { ConsumerPlan, StorePlan, StreamPlan } from '../store-plan.js';
import type { StreamDelivery } from '../streams.js';
import type { Inbound, Transport } from '../transport.js';
import type { TransportEvent } from '../transport-health.js';
import { turn } from './event-loop.js';
import { MemoryBroker } from './memory-broker.js';
import { VirtualClock } from './virtual-clock.js';

// What every transport promises is the conformance suite's; here is what the memory broker has beside it.

const ACK_WAIT_MS = 1_000;
const CONSUMER: ConsumerPlan = {
  name: 'reader',
  filter: 'news',
  ackWaitMs: ACK_WAIT_MS,
  maxAckPending: 100,
  start: 'all',
};

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
        consumers: [CONSUMER],
        ...stream,
      },
    ],
    buckets: [{ name: 'marks', ttlMs: 1_000, maxKeys: 100, replicas: 1 }],
  };
}

function setUp(stream: Partial<StreamPlan> = {}) {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  broker.provision(plan(stream));
  return { clock, broker, alice: broker.connect({ name: 'alice' }) };
}

function store(transport: Transport, text: string, messageId = `id of ${text}`) {
  const message = { subject: 'news', stream: 'news', bytes: Buffer.from(text), messageId };
  return transport.streams.store(message, 1_000);
}

async function read(transport: Transport, maxUnsettled = 100, maxUnsettledBytes = 10_000) {
  const deliveries: StreamDelivery[] = [];
  const options = { stream: 'news', consumer: 'reader', maxUnsettled, maxUnsettledBytes };
  const consuming = await transport.streams.consume(options, (delivery) => deliveries.push(delivery));
  return { deliveries, consuming };
}

const texts = (deliveries: readonly StreamDelivery[]) =>
  deliveries.map(({ bytes, deliveries: times }) => `${Buffer.from(bytes)} ${times}`);

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error) => BusError.from(error).reason ?? '',
  );
}

describe('streams of the MemoryBroker', () => {
  it('know their times to the millisecond', async () => {
    const { clock, alice } = setUp({ maxAgeMs: 10_000, duplicateWindowMs: 3_000 });
    const { deliveries } = await read(alice);
    await store(alice, 'a');
    await clock.advance(ACK_WAIT_MS - 1);
    expect(texts(deliveries)).to.deep.equal(['a 1']);
    await clock.advance(1);
    expect(texts(deliveries)).to.deep.equal(['a 1', 'a 2']);
    deliveries[1]?.later(300);
    await clock.advance(299);
    expect(deliveries).to.have.length(2);
    await clock.advance(1);
    expect(deliveries).to.have.length(3);
    deliveries[2]?.working();
    await clock.advance(ACK_WAIT_MS - 1);
    deliveries[2]?.working();
    await clock.advance(ACK_WAIT_MS - 1);
    expect(deliveries).to.have.length(3);
    deliveries[2]?.ack();
    await clock.advance(1);
    expect((await store(alice, 'a')).duplicate).to.equal(false);
    await clock.advance(2_999);
    expect((await store(alice, 'a')).duplicate).to.equal(true);
    await clock.advance(1);
    expect((await store(alice, 'a')).duplicate).to.equal(false);
    await clock.advance(9_999);
    expect((await alice.streams.streamState('news')).messages).to.equal(1);
    await clock.advance(1);
    expect((await alice.streams.streamState('news')).messages).to.equal(0);
  });

  it('store what is on its way when the event loop turns, and say so a turn later', async () => {
    const { alice } = setUp();
    let stored = false;
    const storing = store(alice, 'a').then(() => {
      stored = true;
    });
    await turn();
    expect(stored).to.equal(false);
    await storing;
  });

  it('leave no timer behind when all is settled, and when nobody reads', async () => {
    const { clock, alice } = setUp();
    const { deliveries, consuming } = await read(alice);
    await store(alice, 'a');
    await clock.advance(0);
    expect(clock.pendingTimers).to.equal(1);
    deliveries[0]?.ack();
    await clock.advance(0);
    expect(clock.pendingTimers).to.equal(0);
    await store(alice, 'b');
    await clock.advance(0);
    expect(clock.pendingTimers).to.equal(1);
    await consuming.stop();
    expect(clock.pendingTimers).to.equal(0);
  });

  it('hand out again what came due while nobody was reading', async () => {
    const { broker, clock, alice } = setUp();
    const { consuming } = await read(alice);
    await store(alice, 'a');
    await store(alice, 'b');
    await consuming.stop();
    await clock.advance(ACK_WAIT_MS);
    const { deliveries } = await read(alice);
    await broker.idle();
    expect(texts(deliveries)).to.deep.equal(['a 2', 'b 2']);
  });

  it('let readers take turns', async () => {
    const { broker, alice } = setUp();
    const [one, other] = [await read(alice), await read(broker.connect())];
    for (const text of ['a', 'b', 'c', 'd']) await store(alice, text);
    await broker.idle();
    expect([texts(one.deliveries), texts(other.deliveries)]).to.deep.equal([
      ['a 1', 'c 1'],
      ['b 1', 'd 1'],
    ]);
  });

  it('hand out nothing that has gone meanwhile', async () => {
    const { broker, clock, alice } = setUp();
    const { deliveries } = await read(alice);
    for (const text of ['a', 'b']) await store(alice, text);
    await broker.idle();
    await alice.streams.purge('news', { sequence: 1 });
    await clock.advance(ACK_WAIT_MS);
    expect(texts(deliveries)).to.deep.equal(['a 1', 'b 1', 'b 2']);
    expect(await alice.streams.consumerState('news', 'reader')).to.include({ pending: 0, unsettled: 1 });
  });

  it('show observers what is stored for a topic, and not what is for the store alone', async () => {
    const { broker, alice } = setUp({ subjects: ['news', '_RETRY.*'] });
    const seen: string[] = [];
    broker.observe(({ kind, from, topic, headers }) => seen.push(`${kind} ${from} ${topic} ${headers.size}`));
    await store(alice, 'a');
    const retry = { subject: '_RETRY.x', stream: 'news', bytes: Buffer.from('b'), messageId: 'b' };
    await alice.streams.store(retry, 1_000);
    expect(seen).to.deep.equal(['publish alice news 0']);
  });

  it('answer a request as JetStream does', async () => {
    const { alice } = setUp({ maxMessages: 1 });
    const ask = () =>
      new Promise<unknown>((resolve) => {
        alice.request({ topic: 'news', bytes: Buffer.from('a') }, (answer) =>
          resolve(JSON.parse(`${Buffer.from((answer as Inbound).bytes)}`)),
        );
      });
    expect(await ask()).to.deep.equal({ stream: 'news', seq: 1 });
    expect(await ask()).to.have.nested.property('error.code', 400);
  });

  it('do not know acknowledgements of a consumer that was deleted', async () => {
    const { broker, alice } = setUp({ retention: 'workqueue' });
    const { deliveries } = await read(alice);
    await store(alice, 'a');
    await broker.idle();
    broker.deleteConsumer('news', 'reader');
    broker.provision(plan({ retention: 'workqueue' }));
    await broker.idle();
    deliveries[0]?.ack();
    await broker.idle();
    expect(texts(deliveries)).to.deep.equal(['a 1', 'a 1']);
    expect((await alice.streams.streamState('news')).messages).to.equal(1);
  });

  // As nats-server 2.9.10 was seen to do it.
  describe('refuse what a server refuses', () => {
    const provisioned = (changes: Partial<StreamPlan>) => () => void setUp(changes);

    it('such as two streams of one subject, that are there or planned', () => {
      const { broker } = setUp();
      const overlapping = plan({ name: 'all', subjects: ['*'], consumers: [] });
      expect(() => broker.provision(overlapping)).to.throw(BusError, "stream 'news' with news");
      const both = { streams: [...plan().streams, ...overlapping.streams], buckets: [] };
      expect(() => new MemoryBroker().provision(both)).to.throw(BusError, "stream 'all' with *");
    });

    it('such as a window beyond the age of messages', () => {
      expect(provisioned({ maxAgeMs: 1_000, duplicateWindowMs: 1_001 })).to.throw(BusError, 'maxAgeMs 1000');
      expect(provisioned({ maxAgeMs: 1_000, duplicateWindowMs: 1_000 })).to.not.throw();
    });

    it('such as a filter beside the subjects, not one beyond them', () => {
      expect(provisioned({ consumers: [{ ...CONSUMER, filter: 'other' }] })).to.throw(BusError, 'a stream of news');
      expect(provisioned({ consumers: [{ ...CONSUMER, filter: '>' }] })).to.not.throw();
    });

    it('such as consumers of a work queue that get what others get, or leave out what was there', () => {
      const { broker } = setUp({ retention: 'workqueue', subjects: ['news', 'other'] });
      const more = (changes: Partial<ConsumerPlan>) => {
        const consumers = [{ ...CONSUMER, name: 'more', ...changes }];
        broker.provision(plan({ retention: 'workqueue', subjects: ['news', 'other'], consumers }));
      };
      expect(() => more({})).to.throw(BusError, "consumer 'reader' with news");
      expect(() => more({ filter: 'other', start: 'new' })).to.throw(BusError, 'a work queue');
      more({ filter: 'other' });
    });

    it('such as patterns that are none', () => {
      expect(provisioned({ subjects: ['a..b'] })).to.throw(BusError, 'is not a pattern');
    });
  });

  it('begin behind all that is there where a consumer begins beyond', async () => {
    const { broker, alice } = setUp({ consumers: [{ ...CONSUMER, start: { sequence: 10 } }] });
    const { deliveries } = await read(alice);
    await store(alice, 'a');
    await broker.idle();
    expect(texts(deliveries)).to.deep.equal(['a 1']);
  });

  it('are changed by whoever has the broker, and names that are not there are told', () => {
    const { broker } = setUp();
    broker.updateConsumer('news', 'reader', { ackWaitMs: 7 });
    expect(() => broker.provision(plan())).to.throw(BusError, 'ackWaitMs of consumer');
    broker.deleteBucket('marks');
    for (const act of [
      () => broker.deleteBucket('marks'),
      () => broker.deleteStream('nothing'),
      () => broker.deleteConsumer('news', 'nobody'),
      () => broker.updateStream('nothing', {}),
    ]) {
      expect(act).to.throw(BusError, 'there is no ');
    }
  });

  describe('on a link that is lost', () => {
    it('have not stored what had not reached them, and nobody knows', async () => {
      const { broker, alice } = setUp();
      const bob = broker.connect();
      const storing = reasonOf(store(alice, 'a'));
      broker.interrupt({ connection: 'alice' });
      expect(await storing).to.equal('TERABUS_STORE_UNKNOWN');
      expect((await bob.streams.streamState('news')).messages).to.equal(0);
    });

    it('have stored what had reached them, and nobody knows until it is sent again', async () => {
      const { broker, alice } = setUp();
      const storing = reasonOf(store(alice, 'a'));
      await turn();
      broker.interrupt({ connection: 'alice' });
      expect(await storing).to.equal('TERABUS_STORE_UNKNOWN');
      expect(await reasonOf(store(alice, 'a'))).to.equal('TERABUS_DISCONNECTED');
      broker.restore();
      expect(await store(alice, 'a')).to.deep.include({ sequence: 1, duplicate: true });
    });

    it('do not store what was published and had not reached them', async () => {
      const { broker, alice } = setUp();
      const bob = broker.connect();
      await alice.publish({ topic: 'news', bytes: Buffer.from('lost') });
      broker.interrupt({ connection: 'alice' });
      await broker.idle();
      expect((await bob.streams.streamState('news')).messages).to.equal(0);
    });

    it('hear no acknowledgement, and hand out again what they have heard nothing of', async () => {
      const { broker, clock, alice } = setUp();
      const { deliveries } = await read(alice);
      await store(alice, 'handed out');
      await broker.idle();
      broker.interrupt();
      deliveries[0]?.ack();
      await clock.advance(ACK_WAIT_MS);
      expect(deliveries).to.have.length(1);
      broker.restore();
      await broker.idle();
      expect(texts(deliveries)).to.deep.equal(['handed out 1', 'handed out 2']);
    });

    it('hand out again what was lost on its way, and took no room', async () => {
      const { broker, clock, alice } = setUp();
      const { deliveries } = await read(alice, 1);
      const bob = broker.connect();
      const storing = store(bob, 'a');
      await turn();
      broker.interrupt({ connection: 'alice' });
      await storing;
      broker.restore();
      await clock.advance(ACK_WAIT_MS);
      expect(texts(deliveries)).to.deep.equal(['a 2']);
    });

    it('are not seen to change until it is back', async () => {
      const { broker, alice } = setUp();
      const events: string[] = [];
      await alice.streams.expect(plan());
      alice.watch((event: TransportEvent) => events.push(event.kind));
      broker.interrupt();
      broker.deleteBucket('marks');
      expect(events).to.deep.equal(['disconnected']);
      broker.restore();
      expect(events).to.deep.equal(['disconnected', 'reconnected', 'problem']);
      expect(alice.health().problems.map(({ reason }) => reason)).to.deep.equal(['TERABUS_BUCKET_MISSING']);
      broker.provision(plan());
      expect(events.at(-1)).to.equal('solved');
      expect(alice.health().problems).to.deep.equal([]);
    });
  });

  describe('on a connection that is closed', () => {
    it('hear what was said before, and nothing later', async () => {
      const { broker, alice } = setUp();
      const { deliveries } = await read(alice);
      await store(alice, 'a');
      await store(alice, 'b');
      await broker.idle();
      const storing = store(alice, 'c');
      deliveries[0]?.ack();
      await alice.close();
      deliveries[1]?.ack();
      expect((await storing).sequence).to.equal(3);
      const bob = broker.connect();
      const state = await bob.streams.consumerState('news', 'reader');
      expect(state).to.include({ pending: 1, unsettled: 1 });
    });

    it('by the broker have lost what was on its way', async () => {
      const { broker, alice } = setUp();
      const storing = reasonOf(store(alice, 'a'));
      await broker.close();
      expect(await storing).to.equal('TERABUS_STORE_UNKNOWN');
      expect((await broker.connect().streams.streamState('news')).messages).to.equal(0);
    });
  });

  describe('with a bucket', () => {
    it('know its times to the millisecond', async () => {
      const { clock, alice } = setUp();
      const bucket = alice.keyValue('marks');
      await bucket.put('a', Buffer.from('1'));
      await clock.advance(999);
      expect(await bucket.keys()).to.deep.equal(['a']);
      await clock.advance(1);
      expect(await bucket.keys()).to.deep.equal([]);
    });

    it('tell what becomes of a call whose link is lost', async () => {
      const { broker, alice } = setUp();
      const putting = reasonOf(alice.keyValue('marks').put('a', Buffer.from('1')));
      broker.interrupt();
      expect(await putting).to.equal('TERABUS_DISCONNECTED');
    });
  });
});
