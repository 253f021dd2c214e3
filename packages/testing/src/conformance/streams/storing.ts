import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { bytes, failure, message, text } from '../messages.js';
import { aConsumer, aStream, STREAM, streamsOf } from './plans.js';
import { anId, store, storeAll, textOf } from './reader.js';
import { type StreamsSuite, until } from './streams-suite.js';

const NUMBERS = Array.from({ length: 200 }, (_, index) => `${index}`);
const MISPLACED = 'another stream';

export function storing({ bus, connect, pass, withStream }: StreamsSuite): void {
  describe('what is stored', () => {
    it('is told with its stream and its number', async () => {
      const alice = await withStream(aStream());
      const receipts = [await store(alice, 'news.a', '1'), await store(alice, 'news.b', '2')];
      expect(receipts).to.deep.equal([
        { stream: STREAM, sequence: 1, duplicate: false },
        { stream: STREAM, sequence: 2, duplicate: false },
      ]);
      expect(await alice.streams.streamState(STREAM)).to.deep.include({
        messages: 2,
        firstSequence: 1,
        lastSequence: 2,
      });
    });

    it('keeps subject, bytes and headers', async () => {
      const alice = await withStream(aStream());
      const headers = { 'Terabus-Message-Id': '01J', empty: '', 'x-note': 'value with spaces and é' };
      const { sequence } = await store(alice, 'news.A%C3%A9', 'hello', { headers });
      const found = await alice.streams.read(STREAM, { fromSequence: sequence });
      expect(found && { ...found, bytes: textOf(found), headers: Object.fromEntries(found.headers) }).to.deep.include({
        ...{ subject: 'news.A%C3%A9', bytes: 'hello', headers, stream: STREAM, sequence: 1 },
      });
    });

    it('is not changed by what becomes of its bytes', async () => {
      const alice = await withStream(aStream());
      const content = bytes('intact');
      const options = { subject: 'news.a', stream: STREAM, messageId: anId() };
      await alice.streams.store({ ...options, bytes: content }, 10_000);
      content.fill(0);
      const found = await alice.streams.read(STREAM, { fromSequence: 1 });
      found?.bytes.subarray(1).fill(0);
      const again = await alice.streams.read(STREAM, { fromSequence: 1 });
      expect(again && textOf(again)).to.equal('intact');
    });

    it('has numbers that grow in the order in which it was stored, without waiting in between', async () => {
      const alice = await withStream(aStream());
      const receipts = await Promise.all(NUMBERS.map((number) => store(alice, 'news.a', number)));
      expect(receipts.map(({ sequence }) => sequence)).to.deep.equal(NUMBERS.map((number) => Number(number) + 1));
      const last = await alice.streams.read(STREAM, { lastOf: 'news.a' });
      expect(last && textOf(last)).to.equal('199');
    });

    it('reaches those who subscribe as well', async () => {
      const alice = await withStream(aStream());
      const bob = await connect();
      const listener = await listen(bob, 'news.*');
      await store(alice, 'news.a', 'hello');
      const [received] = await listener.first(1);
      expect(received && { topic: received.topic, text: text(received) }).to.deep.equal({
        topic: 'news.a',
        text: 'hello',
      });
    });

    it('may have been published by somebody who knows of no stream', async () => {
      const alice = await withStream(aStream());
      await alice.publish(message('news.a', 'plain', { 'x-kind': 'plain' }));
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 1);
      const found = await alice.streams.read(STREAM, { fromSequence: 1 });
      expect(found && [textOf(found), ...found.headers]).to.deep.equal(['plain', ['x-kind', 'plain']]);
    });

    it('may be a retry or a dead letter, which no subscriber gets', async () => {
      const subjects = ['_RETRY.Reader.group', '_DEAD.Reader.group'];
      const alice = await withStream(aStream({ subjects: ['_RETRY.Reader.*', '_DEAD.Reader.*'], consumers: [] }));
      const listener = await listen(alice, '>');
      for (const subject of subjects) await store(alice, subject, subject);
      expect(await alice.streams.subjects(STREAM, '_DEAD.>')).to.deep.equal(['_DEAD.Reader.group']);
      const last = await alice.streams.read(STREAM, { fromSequence: 1, filter: '_DEAD.Reader.*' });
      expect(last?.subject).to.equal('_DEAD.Reader.group');
      await alice.publish(message('fence'));
      expect(await listener.topicsFrom(alice)).to.deep.equal(['fence']);
    });

    it('outlives the connection that stored it', async () => {
      const alice = await withStream(aStream());
      await store(alice, 'news.a', 'hello');
      await alice.close();
      const bob = await connect();
      const found = await bob.streams.read(STREAM, { fromSequence: 1 });
      expect(found && textOf(found)).to.equal('hello');
    });
  });

  describe('the same message id', () => {
    it('stores once, and tells the number of the first time', async () => {
      const alice = await withStream(aStream());
      await storeAll(alice, 'before');
      const messageId = anId();
      const first = await store(alice, 'news.a', 'hello', { messageId });
      const bob = await connect();
      const second = await store(bob, 'news.a', 'hello', { messageId });
      expect(first).to.deep.equal({ stream: STREAM, sequence: 2, duplicate: false });
      expect(second).to.deep.equal({ stream: STREAM, sequence: 2, duplicate: true });
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(2);
    });

    it('counts for the whole stream, whatever the subject', async () => {
      const alice = await withStream(aStream());
      const messageId = anId();
      await store(alice, 'news.a', 'hello', { messageId });
      expect(await store(alice, 'news.b', 'hello', { messageId })).to.deep.include({ sequence: 1, duplicate: true });
    });

    it('stores again when the window is over', async () => {
      const alice = await withStream(aStream({ duplicateWindowMs: 300 }));
      const messageId = anId();
      await store(alice, 'news.a', 'hello', { messageId });
      await pass(300);
      await until(async () => !(await store(alice, 'news.a', 'hello', { messageId })).duplicate);
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(2);
    });
  });

  describe('a full stream', () => {
    it('refuses what is new when its messages are as many as may be', async () => {
      const alice = await withStream(aStream({ maxMessages: 2 }));
      await storeAll(alice, 'a', 'b');
      expect(await failure(store(alice, 'news.a', 'c'))).to.be.busError('TERABUS_STREAM_FULL');
      expect(await alice.streams.streamState(STREAM)).to.deep.include({ messages: 2, lastSequence: 2 });
    });

    it('keeps all that it has said it stored, whatever is published beyond that', async () => {
      const alice = await withStream(aStream({ maxMessages: 40 }));
      const kept: number[] = [];
      // Smaller and smaller, so that what limits it is met as closely as can be.
      for (let size = 480; size >= 0; size -= 4) {
        await store(alice, `news.${size % 3}`, 'x'.repeat(size)).then(
          ({ sequence }) => kept.push(sequence),
          (error) => expect(error).to.be.busError('TERABUS_STREAM_FULL'),
        );
      }
      expect(kept).to.have.length(40);
      expect(await alice.streams.streamState(STREAM)).to.deep.include({ messages: 40, firstSequence: 1 });
      const found = await Promise.all(kept.map((fromSequence) => alice.streams.read(STREAM, { fromSequence })));
      expect(found.map((each) => each?.sequence)).to.deep.equal(kept);
    });

    it('refuses what is new when its bytes are as many as may be', async () => {
      const alice = await withStream(aStream({ maxBytes: 1_000 }));
      await storeAll(alice, 'x'.repeat(600));
      expect(await failure(store(alice, 'news.a', 'x'.repeat(600)))).to.be.busError('TERABUS_STREAM_FULL');
    });

    it('still knows what it has', async () => {
      const alice = await withStream(aStream({ maxMessages: 1 }));
      const messageId = anId();
      await store(alice, 'news.a', 'a', { messageId });
      expect((await store(alice, 'news.a', 'a', { messageId })).duplicate).to.equal(true);
    });

    it('takes something again when there is room', async () => {
      const alice = await withStream(aStream({ maxMessages: 1 }));
      await storeAll(alice, 'a');
      await alice.streams.purge(STREAM, { sequence: 1 });
      expect((await store(alice, 'news.a', 'b')).sequence).to.equal(2);
    });

    it('lets the oldest go where its plan says so', async () => {
      const alice = await withStream(aStream({ maxMessages: 2, discard: 'old' }));
      await storeAll(alice, 'a', 'b', 'c');
      expect(await alice.streams.streamState(STREAM)).to.deep.include({ messages: 2, firstSequence: 2 });
    });

    it('forgets what is older than it keeps', async () => {
      const alice = await withStream(aStream({ maxAgeMs: 500, duplicateWindowMs: 300 }));
      await storeAll(alice, 'a');
      await pass(500);
      await until(async () => (await alice.streams.streamState(STREAM)).messages === 0);
      expect((await alice.streams.streamState(STREAM)).lastSequence).to.equal(1);
    });
  });

  describe('what is not stored', () => {
    it('is what another stream would take', async () => {
      const other = aStream({ name: MISPLACED, subjects: ['other.*'], consumers: [aConsumer({ filter: 'other.*' })] });
      await bus().provision(streamsOf(aStream(), other));
      const alice = await connect();
      expect(await failure(store(alice, 'other.a', 'a'))).to.be.busError('TERABUS_STREAM_MISMATCH');
      expect((await alice.streams.streamState(MISPLACED)).messages).to.equal(0);
    });

    it('is what no stream takes', async () => {
      const alice = await withStream(aStream());
      expect(await failure(store(alice, 'nobodys.a', 'a'))).to.be.busError('TERABUS_STREAM_UNAVAILABLE');
    });

    it('is larger than the server takes, with its headers', async () => {
      const alice = await withStream(aStream());
      const large = 'x'.repeat(alice.maxPayloadBytes - 10);
      expect(await failure(store(alice, 'news.a', large))).to.be.busError('TERABUS_PAYLOAD_TOO_LARGE');
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(0);
    });

    for (const headers of [{ 'Nats-Rollup': 'all' }, { 'Nats-Msg-Id': 'mine' }, { 'a\r\nb': '' }]) {
      it(`has the headers ${JSON.stringify(headers)}`, async () => {
        const alice = await withStream(aStream());
        expect(await failure(store(alice, 'news.a', 'a', { headers }))).to.be.busError('TERABUS_HEADER_INVALID');
      });
    }

    for (const messageId of ['', ' a', 'a\r\nb', 'é']) {
      it(`has the message id ${JSON.stringify(messageId)}`, async () => {
        const alice = await withStream(aStream());
        expect(await failure(store(alice, 'news.a', 'a', { messageId }))).to.be.busError('TERABUS_HEADER_INVALID');
      });
    }

    for (const subject of ['', 'news', '$JS.API.STREAM.DELETE.x', '_INBOX.a', '_LIVE.news.a', 'news..a', 'news.*']) {
      it(`is for ${JSON.stringify(subject)}, where no stream is or may be`, async () => {
        const alice = await withStream(aStream());
        const reason = subject === 'news' ? 'TERABUS_STREAM_UNAVAILABLE' : 'TERABUS_SUBJECT_INVALID';
        expect(await failure(store(alice, subject, 'a'))).to.be.busError(reason);
      });
    }
  });
}
