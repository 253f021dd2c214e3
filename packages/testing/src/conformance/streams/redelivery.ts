import type { StreamDelivery } from '@terabus/core/transport';
import { systemClock } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { ACK_WAIT_MS, aConsumer, aStream, CONSUMER, SOON, STREAM } from './plans.js';
import { readFrom, store, storeAll, textOf, told } from './reader.js';
import { type StreamsSuite, until } from './streams-suite.js';

export function redelivery({ bus, connect, pass, withStream }: StreamsSuite): void {
  describe('a delivery', () => {
    it('is made again when nobody has settled it in time, and counted', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'a');
      const reader = await readFrom(alice);
      await reader.first(1);
      await pass(ACK_WAIT_MS);
      await reader.first(2);
      await pass(ACK_WAIT_MS);
      expect(told(await reader.first(3))).to.deep.equal(['a 1', 'a 2', 'a 3']);
    });

    it('is not made again when it was acknowledged', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'a', 'b');
      const reader = await readFrom(alice);
      const [first] = await reader.first(2);
      first?.ack();
      await pass(ACK_WAIT_MS);
      // The other one shows that the time is over.
      expect(told(await reader.first(3))).to.deep.equal(['a 1', 'b 1', 'b 2']);
    });

    it('comes again in the order of what is stored, and before what is new', async () => {
      const alice = await withStream(aStream({ consumers: [aConsumer({ ackWaitMs: ACK_WAIT_MS, maxAckPending: 3 })] }));
      await storeAll(alice, 'a', 'b', 'c', 'd');
      const reader = await readFrom(alice);
      await reader.first(3);
      await pass(ACK_WAIT_MS);
      await reader.first(6);
      for (const delivery of reader.deliveries.slice(3, 6)) delivery.ack();
      expect(told(await reader.first(7))).to.deep.equal(['a 1', 'b 1', 'c 1', 'a 2', 'b 2', 'c 2', 'd 1']);
    });

    it('waits as long as it is worked on', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'worked on', 'left alone');
      const clock = bus().clock ?? systemClock;
      const reader = await readFrom(alice);
      const [worked] = await reader.first(2);
      let timer = clock.setTimer(0, beat);
      function beat(): void {
        worked?.working();
        timer = clock.setTimer(ACK_WAIT_MS / 4, beat);
      }
      await pass(ACK_WAIT_MS);
      await reader.first(3);
      await pass(ACK_WAIT_MS);
      // The other one shows how much time has passed.
      expect(told(await reader.first(4))).to.deep.equal([
        'worked on 1',
        'left alone 1',
        'left alone 2',
        'left alone 3',
      ]);
      timer.cancel();
      await pass(ACK_WAIT_MS);
      await until(() => told(reader.deliveries).includes('worked on 2'));
    });

    it('is made again at once when it was put back', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a');
      const reader = await readFrom(alice);
      (await reader.first(1))[0]?.later(0);
      expect(told(await reader.first(2))).to.deep.equal(['a 1', 'a 2']);
    });

    it('keeps its order when several are put back', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b', 'c');
      const reader = await readFrom(alice);
      await reader.first(3);
      await reader.consuming.stop();
      for (const delivery of reader.deliveries) delivery.later(0);
      await storeAll(alice, 'd');
      await until(async () => (await alice.streams.consumerState(STREAM, CONSUMER)).pending === 1);
      const other = await readFrom(await connect());
      expect(told(await other.first(4))).to.deep.equal(['a 2', 'b 2', 'c 2', 'd 1']);
    });

    it('is made again after a while when it was put off, not before', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'put off for long', 'put off');
      const reader = await readFrom(alice);
      const [long, short] = await reader.first(2);
      long?.later(600);
      short?.later(300);
      await pass(300);
      expect(told(await reader.first(3)).slice(2)).to.deep.equal(['put off 2']);
      await pass(300);
      expect(told(await reader.first(4)).slice(2)).to.deep.equal(['put off 2', 'put off for long 2']);
    });

    it('is settled once: what comes later changes nothing', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'a', 'b');
      const reader = await readFrom(alice);
      const [first] = await reader.first(2);
      first?.ack();
      first?.later(0);
      first?.working();
      first?.ack();
      await pass(ACK_WAIT_MS);
      expect(told(await reader.first(3))).to.deep.equal(['a 1', 'b 1', 'b 2']);
    });

    it('leaves its room to others when it was made again, and is settled there', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'a');
      const reader = await readFrom(alice, { maxUnsettled: 2 });
      const [first] = await reader.first(1);
      await pass(ACK_WAIT_MS);
      const [, second] = await reader.first(2);
      first?.superseded();
      second?.ack();
      await storeAll(alice, 'b', 'c');
      await until(() => told(reader.deliveries).includes('c 1'));
      expect(told(reader.deliveries)).to.not.include('a 3');
    });

    it('that is put back and then acknowledged comes again: the first word counts', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a');
      const reader = await readFrom(alice);
      const [first] = await reader.first(1);
      first?.later(0);
      first?.ack();
      expect(told(await reader.first(2))).to.deep.equal(['a 1', 'a 2']);
    });

    it('makes room for one other, however often it is settled', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a', 'b', 'c');
      const reader = await readFrom(alice, { maxUnsettled: 1 });
      const [first] = await reader.first(1);
      first?.ack();
      first?.ack();
      await reader.first(2);
      expect(await alice.streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 1, unsettled: 1 });
    });

    it('leaves its message where it lies when it is acknowledged', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'a');
      (await (await readFrom(alice)).first(1))[0]?.ack();
      await until(async () => (await alice.streams.consumerState(STREAM, CONSUMER)).unsettled === 0);
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(1);
    });

    it('whose reader has left is made to another one', async () => {
      const alice = await withStream(aStream(SOON));
      const bob = await connect();
      await storeAll(alice, 'a');
      await (await readFrom(bob)).first(1);
      await bob.close();
      const reader = await readFrom(alice);
      await pass(ACK_WAIT_MS);
      expect(told(await reader.first(1))).to.deep.equal(['a 2']);
    });
  });

  describe('a work queue', () => {
    const queue = aStream({ retention: 'workqueue' });

    it('lets go what was acknowledged, in whatever order, and nothing else', async () => {
      const alice = await withStream(queue);
      await storeAll(alice, 'a', 'b', 'c');
      const [, second] = await (await readFrom(alice)).first(3);
      second?.ack();
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 2);
      const found = await alice.streams.read(STREAM, { fromSequence: 2 });
      expect(found && textOf(found)).to.equal('c');
    });

    it('keeps what is put off', async () => {
      const alice = await withStream(queue);
      await storeAll(alice, 'a');
      const reader = await readFrom(alice);
      const [first] = await reader.first(1);
      (first as StreamDelivery).later(300);
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(1);
      await pass(300);
      (await reader.first(2))[1]?.ack();
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 0);
    });

    it('makes room by it, and refuses what is new before', async () => {
      const alice = await withStream({ ...queue, maxMessages: 1 });
      await storeAll(alice, 'a');
      expect(await failure(store(alice, 'news.a', 'b'))).to.be.busError('TERABUS_STREAM_FULL');
      (await (await readFrom(alice)).first(1))[0]?.ack();
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 0);
      await storeAll(alice, 'b');
    });
  });
}
