import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { failure, text } from '../messages.js';
import { aStream, CONSUMER, STREAM } from './plans.js';
import { readFrom, store, storeAll, told } from './reader.js';
import { type StreamsSuite, until } from './streams-suite.js';

export function reading({ connect, elsewhere, withStream }: StreamsSuite): void {
  const filled = async () => {
    const alice = await withStream(aStream());
    for (const subject of ['news.a', 'news.b', 'news.a', 'news.c']) await store(alice, subject, subject);
    return alice;
  };

  describe('reading', () => {
    it('finds a message by its number, or the first behind it', async () => {
      const alice = await filled();
      await alice.streams.purge(STREAM, { sequence: 2 });
      const numbers = [];
      for (const fromSequence of [0, 1, 2, 4, 5]) {
        numbers.push((await alice.streams.read(STREAM, { fromSequence }))?.sequence);
      }
      expect(numbers).to.deep.equal([1, 1, 3, 4, undefined]);
    });

    it('finds the first from a number on that a pattern matches', async () => {
      const alice = await filled();
      const found = async (fromSequence: number, filter: string) =>
        (await alice.streams.read(STREAM, { fromSequence, filter }))?.sequence;
      expect([await found(2, 'news.a'), await found(1, 'news.*'), await found(4, 'news.a')]).to.deep.equal([
        3,
        1,
        undefined,
      ]);
    });

    it('finds the last of a subject', async () => {
      const alice = await filled();
      expect((await alice.streams.read(STREAM, { lastOf: 'news.a' }))?.sequence).to.equal(3);
      expect(await alice.streams.read(STREAM, { lastOf: 'news.d' })).to.equal(undefined);
    });

    it('lists the subjects that have messages', async () => {
      const alice = await filled();
      expect(await alice.streams.subjects(STREAM, 'news.*')).to.have.members(['news.a', 'news.b', 'news.c']);
      expect(await alice.streams.subjects(STREAM, 'news.b')).to.deep.equal(['news.b']);
      expect(await alice.streams.subjects(STREAM, 'news.d')).to.deep.equal([]);
    });

    it('tells that a stream is missing', async () => {
      const { streams } = await connect();
      const asked = [
        streams.read('nothing', { fromSequence: 1 }),
        streams.subjects('nothing', '>'),
        streams.purge('nothing', { filter: '>' }),
        streams.streamState('nothing'),
      ];
      for (const error of await Promise.all(asked.map(failure))) expect(error).to.be.busError('TERABUS_STREAM_MISSING');
    });

    it('is refused on a closed connection, as everything is', async () => {
      const alice = await withStream(aStream());
      await alice.close();
      const asked = [
        store(alice, 'news.a', 'a'),
        readFrom(alice),
        alice.streams.streamState(STREAM),
        alice.streams.consumerState(STREAM, CONSUMER),
        alice.streams.read(STREAM, { fromSequence: 1 }),
        alice.streams.expect({ streams: [], buckets: [] }),
      ];
      for (const error of await Promise.all(asked.map(failure))) expect(error).to.be.busError('TERABUS_CLOSED');
    });
  });

  describe('a purge', () => {
    it('removes one message, and says that it was one', async () => {
      const alice = await filled();
      expect(await alice.streams.purge(STREAM, { sequence: 3 })).to.equal(1);
      expect(await alice.streams.purge(STREAM, { sequence: 3 })).to.equal(0);
      expect((await alice.streams.read(STREAM, { lastOf: 'news.a' }))?.sequence).to.equal(1);
    });

    it('says that there was none, wherever its number lies', async () => {
      const alice = await filled();
      for (const sequence of [1, 2, 4]) await alice.streams.purge(STREAM, { sequence });
      const counts = [];
      for (const sequence of [1, 2, 4, 5, 1_000]) counts.push(await alice.streams.purge(STREAM, { sequence }));
      await alice.streams.purge(STREAM, { sequence: 3 });
      for (const sequence of [3, 4]) counts.push(await alice.streams.purge(STREAM, { sequence }));
      expect(counts).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
    });

    it('removes what a pattern matches, and says how many these are', async () => {
      const alice = await filled();
      expect(await alice.streams.purge(STREAM, { filter: 'news.a' })).to.equal(2);
      expect(await alice.streams.subjects(STREAM, '>')).to.have.members(['news.b', 'news.c']);
      expect(await alice.streams.purge(STREAM, { filter: '>' })).to.equal(2);
      expect(await alice.streams.streamState(STREAM)).to.deep.include({ messages: 0, lastSequence: 4 });
    });

    it('takes away what a consumer has still to hand out', async () => {
      const alice = await filled();
      await alice.streams.purge(STREAM, { filter: 'news.a' });
      expect(told(await (await readFrom(alice)).first(2))).to.deep.equal(['news.b 1', 'news.c 1']);
    });
  });

  describe('the last value of each subject', () => {
    const lastValues = aStream({ maxMessagesPerSubject: 1, republishTo: '_LIVE' });

    it('takes the place of the one before', async () => {
      const alice = await withStream(lastValues);
      for (const subject of ['news.a', 'news.b', 'news.a']) await store(alice, subject, subject);
      expect(await alice.streams.streamState(STREAM)).to.deep.include({ messages: 2, firstSequence: 2 });
      expect((await alice.streams.read(STREAM, { fromSequence: 1, filter: 'news.a' }))?.sequence).to.equal(3);
    });

    it('takes it in a full stream too', async () => {
      const alice = await withStream({ ...lastValues, maxMessages: 2 });
      for (const subject of ['news.a', 'news.b', 'news.a']) await store(alice, subject, subject);
      expect(await failure(store(alice, 'news.c', 'c'))).to.be.busError('TERABUS_STREAM_FULL');
    });

    it('is published again with its numbers, to whoever asks for live copies', async () => {
      const alice = await withStream(lastValues);
      const bob = await connect();
      const live = await listen(bob, '_LIVE.news.*');
      const one = await listen(bob, '_LIVE.news.a');
      const all = await listen(bob, '>');
      for (const subject of ['news.a', 'news.b', 'news.a']) {
        await store(alice, subject, subject, { headers: { 'x-kind': 'value' } });
      }
      const copies = await live.first(3);
      expect(
        copies.map((copy) => [
          copy.topic,
          text(copy),
          copy.headers.get('Nats-Sequence'),
          copy.headers.get('Nats-Last-Sequence'),
          copy.headers.get('x-kind'),
        ]),
      ).to.deep.equal([
        ['news.a', 'news.a', '1', '0', 'value'],
        ['news.b', 'news.b', '2', '0', 'value'],
        ['news.a', 'news.a', '3', '1', 'value'],
      ]);
      expect(await one.topicsFrom(alice)).to.deep.equal(['news.a', 'news.a']);
      // Once each: what everybody gets are not the copies.
      expect(await all.topicsFrom(alice)).to.deep.equal(['news.a', 'news.a', 'news.b']);
    });

    it('is not published again when it was a duplicate', async () => {
      const alice = await withStream(lastValues);
      const live = await listen(alice, '_LIVE.news.>');
      await store(alice, 'news.a', 'a', { messageId: 'twice' });
      await store(alice, 'news.a', 'a', { messageId: 'twice' });
      await store(alice, 'news.b', 'b');
      expect((await live.first(2)).map(({ topic }) => topic)).to.deep.equal(['news.a', 'news.b']);
    });

    for (const pattern of ['_LIVE', '_LIVE.', '_LIVE.>.a', '_LIVE._LIVE.a', '_LIVE.$JS.>', '_RETRY.>', '_DEAD.>']) {
      it(`has no copies at ${pattern}`, async () => {
        const alice = await withStream(lastValues);
        expect(await failure(listen(alice, pattern))).to.be.busError('TERABUS_PATTERN_INVALID');
      });
    }
  });

  describe('another bus', () => {
    it('has streams and buckets of its own, under the same names', async () => {
      const alice = await filled();
      const other = await elsewhere();
      await other.provision({ streams: [aStream({ republishTo: '_LIVE' })], buckets: [] });
      const live = await listen(other.connection, '_LIVE.>');
      const reader = await readFrom(other.connection);
      expect((await other.connection.streams.streamState(STREAM)).messages).to.equal(0);
      await storeAll(alice, 'here');
      await storeAll(other.connection, 'there');
      expect(told(await reader.first(1))).to.deep.equal(['there 1']);
      expect(await live.textsFrom(other.connection)).to.deep.equal(['there']);
      await other.deleteStream(STREAM);
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 5);
    });
  });
}
