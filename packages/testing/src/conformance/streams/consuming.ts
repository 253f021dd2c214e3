import type { StreamDelivery } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { aConsumer, aStream, CONSUMER, STREAM, streamsOf } from './plans.js';
import { readFrom, store, storeAll, textOf, told } from './reader.js';
import { type StreamsSuite, until } from './streams-suite.js';

const NUMBERS = Array.from({ length: 300 }, (_, index) => `${index}`);

export function consuming({ bus, connect, withStream }: StreamsSuite): void {
  describe('a consumer', () => {
    it('hands out what was stored before and after, in order', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b');
      const reader = await readFrom(await connect());
      await storeAll(alice, 'c');
      expect(told(await reader.first(3))).to.deep.equal(['a 1', 'b 1', 'c 1']);
    });

    it('says of each where it lies, and how many come behind it', async () => {
      const alice = await withStream(aStream());
      await store(alice, 'news.a', 'a', { headers: { 'x-kind': 'first' } });
      await store(alice, 'news.b', 'b');
      const [first, second] = await (await readFrom(alice)).first(2);
      const { subject, stream, sequence, pending, headers, storedAt } = first as StreamDelivery;
      expect({ subject, stream, sequence, pending, headers: [...headers] }).to.deep.equal({
        ...{ subject: 'news.a', stream: STREAM, sequence: 1, pending: 1, headers: [['x-kind', 'first']] },
      });
      expect(second).to.deep.include({ subject: 'news.b', sequence: 2, pending: 0 });
      expect((await alice.streams.read(STREAM, { fromSequence: 1 }))?.storedAt).to.equal(storedAt);
    });

    it('hands out many more than may be unsettled, in order', async () => {
      const alice = await withStream(aStream());
      await Promise.all(NUMBERS.map((number) => store(alice, 'news.a', number)));
      const reader = await readFrom(alice, { maxUnsettled: 7, onDelivery: (delivery) => delivery.ack() });
      expect((await reader.first(NUMBERS.length)).map(textOf)).to.deep.equal(NUMBERS);
      await until(async () => (await alice.streams.consumerState(STREAM, CONSUMER)).unsettled === 0);
    });

    it('hands out what its filter lets through', async () => {
      const alice = await withStream(aStream({ consumers: [aConsumer({ filter: 'news.b' })] }));
      for (const subject of ['news.a', 'news.b', 'news.c', 'news.b']) await store(alice, subject, subject);
      const deliveries = await (await readFrom(alice)).first(2);
      expect(deliveries.map(({ sequence, pending }) => [sequence, pending])).to.deep.equal([
        [2, 1],
        [4, 0],
      ]);
      expect(await alice.streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 0, unsettled: 2 });
    });

    it('hands out nothing inside of a call', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a');
      let inside = true;
      const seenInside: boolean[] = [];
      const reading = readFrom(alice, { onDelivery: () => seenInside.push(inside) });
      const storing = store(alice, 'news.a', 'b');
      inside = false;
      await storing;
      const reader = await reading;
      const [first] = await reader.first(2);
      inside = true;
      first?.later(0);
      inside = false;
      await reader.first(3);
      expect(seenInside).to.deep.equal([false, false, false]);
    });

    it('gives each reader bytes of its own', async () => {
      const alice = await withStream(
        aStream({ consumers: [aConsumer({ name: 'one' }), aConsumer({ name: 'another' })] }),
      );
      await storeAll(alice, 'intact');
      const vandal = await readFrom(alice, { consumer: 'one', onDelivery: ({ bytes }) => bytes.fill(0) });
      await vandal.first(1);
      expect(told(await (await readFrom(alice, { consumer: 'another' })).first(1))).to.deep.equal(['intact 1']);
    });

    it('gives what one reader has no room for to another', async () => {
      const alice = await withStream(aStream());
      const [bob, carol] = [await connect(), await connect()];
      const first = await readFrom(bob, { maxUnsettled: 1 });
      await storeAll(alice, 'a', 'b');
      await first.first(1);
      const second = await readFrom(carol, { maxUnsettled: 1 });
      await second.first(1);
      expect([...told(first.deliveries), ...told(second.deliveries)].sort()).to.deep.equal(['a 1', 'b 1']);
    });

    it('goes on when a receiver throws', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b');
      const reader = await readFrom(alice, {
        onDelivery: () => {
          throw new Error('a receiver that throws, as it must not');
        },
      });
      expect(told(await reader.first(2))).to.deep.equal(['a 1', 'b 1']);
    });

    it('that is missing is told', async () => {
      const alice = await withStream(aStream());
      expect(await failure(readFrom(alice, { consumer: 'nobody' }))).to.be.busError('TERABUS_CONSUMER_MISSING');
      expect(await failure(readFrom(alice, { stream: 'nothing' }))).to.be.busError('TERABUS_CONSUMER_MISSING');
      expect(await failure(alice.streams.consumerState(STREAM, 'nobody'))).to.be.busError('TERABUS_CONSUMER_MISSING');
    });

    it('goes on where it was when its reader comes back', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b');
      const bob = await connect();
      const reader = await readFrom(bob);
      for (const delivery of await reader.first(2)) delivery.ack();
      await bob.close();
      await storeAll(alice, 'c');
      expect(told(await (await readFrom(alice)).first(1))).to.deep.equal(['c 1']);
    });
  });

  describe('a start', () => {
    const starting = async (start: ReturnType<typeof aConsumer>['start']) => {
      await bus().provision(streamsOf(aStream({ consumers: [aConsumer({ start })] })));
      const alice = await connect();
      await storeAll(alice, 'after');
      return told(await (await readFrom(alice)).first(1))[0];
    };

    it('with what is new leaves out what was there', async () => {
      const alice = await withStream(aStream({ consumers: [] }));
      await storeAll(alice, 'a', 'b');
      expect(await starting('new')).to.equal('after 1');
    });

    it('with all begins at the beginning', async () => {
      const alice = await withStream(aStream({ consumers: [] }));
      await storeAll(alice, 'a', 'b');
      expect(await starting('all')).to.equal('a 1');
    });

    it('with a number begins there', async () => {
      const alice = await withStream(aStream({ consumers: [] }));
      await storeAll(alice, 'a', 'b', 'c');
      expect(await starting({ sequence: 2 })).to.equal('b 1');
    });

    it('with a time begins with what was stored then', async () => {
      const alice = await withStream(aStream({ consumers: [] }));
      await storeAll(alice, 'a');
      const first = await alice.streams.read(STREAM, { fromSequence: 1 });
      await bus().clock?.advance(5);
      // A later millisecond, wherever time comes from.
      await until(async () => {
        const { sequence } = await store(alice, 'news.a', 'b');
        const { storedAt = 0 } = (await alice.streams.read(STREAM, { fromSequence: sequence })) ?? {};
        return Math.floor(storedAt) > (first?.storedAt ?? 0);
      });
      const last = await alice.streams.read(STREAM, { lastOf: 'news.a' });
      await alice.streams.purge(STREAM, { sequence: 1 });
      expect(await starting({ timeMs: Math.floor(last?.storedAt ?? 0) })).to.equal('b 1');
    });
  });

  describe('what may be unsettled', () => {
    it('is bounded over all readers, by the consumer', async () => {
      const alice = await withStream(aStream({ consumers: [aConsumer({ maxAckPending: 2 })] }));
      const reader = await readFrom(alice);
      await storeAll(alice, 'a', 'b', 'c', 'd');
      const [first] = await reader.first(2);
      expect(await alice.streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 2, unsettled: 2 });
      first?.ack();
      expect(told(await reader.first(3))).to.deep.equal(['a 1', 'b 1', 'c 1']);
      expect(await alice.streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 1, unsettled: 2 });
    });

    it('shows in how far the consumer is: up to the first that is not settled', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b', 'c');
      const reader = await readFrom(alice);
      const [first, second, third] = await reader.first(3);
      // Acknowledgements and questions need not be read in one order.
      const settled = async (unsettled: number) => {
        for (;;) {
          const state = await alice.streams.consumerState(STREAM, CONSUMER);
          if (state.unsettled === unsettled) return state.settledUpTo;
        }
      };
      second?.ack();
      expect(await settled(2)).to.equal(0);
      first?.ack();
      expect(await settled(1)).to.equal(2);
      third?.ack();
      expect(await settled(0)).to.equal(3);
    });

    it('is bounded for each reader, in messages', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b', 'c');
      const reader = await readFrom(alice, { maxUnsettled: 2 });
      const [first] = await reader.first(2);
      // A reader that asks for more than it has room for does so behind the last one that it got.
      await alice.streams.consumerState(STREAM, CONSUMER);
      expect(await alice.streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 1, unsettled: 2 });
      first?.ack();
      await reader.first(3);
    });

    it('is bounded for each reader, in bytes, which the last one may go beyond', async () => {
      const alice = await withStream(aStream());
      for (let n = 0; n < 10; n += 1) await store(alice, 'news.a', 'x'.repeat(1_000));
      const unsettled: StreamDelivery[] = [];
      const reader = await readFrom(alice, {
        maxUnsettledBytes: 1_500,
        onDelivery: (delivery) => unsettled.push(delivery),
      });
      const most: number[] = [];
      for (let settled = 0; settled < 10; settled += 1) {
        await reader.first(settled + 1);
        await alice.streams.consumerState(STREAM, CONSUMER);
        most.push(unsettled.length);
        unsettled.shift()?.ack();
      }
      expect(Math.max(...most)).to.be.lessThan(3);
    });
  });

  describe('an intake that is stopped', () => {
    it('hands nothing more out', async () => {
      const alice = await withStream(aStream());
      const reader = await readFrom(alice);
      await storeAll(alice, 'a');
      await reader.first(1);
      await reader.consuming.stop();
      await storeAll(alice, 'b');
      const other = await readFrom(alice);
      expect(told(await other.first(1))).to.deep.equal(['b 1']);
      expect(told(reader.deliveries)).to.deep.equal(['a 1']);
    });

    it('lets what was handed out be settled', async () => {
      const alice = await withStream(aStream());
      const reader = await readFrom(alice);
      await storeAll(alice, 'a', 'b');
      const [first, second] = await reader.first(2);
      await reader.consuming.stop();
      first?.ack();
      second?.later(0);
      const other = await readFrom(alice);
      expect(told(await other.first(1))).to.deep.equal(['b 2']);
    });

    it('is stopped once, however often that is asked for', async () => {
      const alice = await withStream(aStream());
      const { consuming: intake } = await readFrom(alice);
      expect(intake.stop()).to.equal(intake.stop());
      await intake.stop();
    });

    it('ends with its connection', async () => {
      const alice = await withStream(aStream());
      const bob = await connect();
      const reader = await readFrom(bob);
      await bob.close();
      await storeAll(alice, 'a');
      await (await readFrom(alice)).first(1);
      expect(reader.deliveries).to.deep.equal([]);
    });
  });
}
