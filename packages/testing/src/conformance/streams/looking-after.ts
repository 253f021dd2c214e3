import type { Expectation, StorePlan, Transport, TransportEvent } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { aBucket, aConsumer, aStream, CONSUMER, SOON, STREAM, streamsOf } from './plans.js';
import { anId, readFrom, store, storeAll, told } from './reader.js';
import { type StreamsSuite, until } from './streams-suite.js';

const PLAN: StorePlan = { streams: [aStream()], buckets: [aBucket()] };

const fields = ({ differences }: Expectation) => differences.map(({ where, field }) => `${field ?? 'all'} of ${where}`);

/** The reasons in the health of a connection, but for those of its link. */
const problems = (transport: Transport) =>
  transport
    .health()
    .problems.map(({ reason }) => reason)
    .filter((reason) => reason !== 'TERABUS_DISCONNECTED');

export function lookingAfter({ bus, connect, pass, withStream }: StreamsSuite): void {
  describe('provisioning', () => {
    it('leaves what is as planned, and what it holds', async () => {
      await bus().provision(PLAN);
      const alice = await connect();
      await storeAll(alice, 'a');
      await bus().provision(PLAN);
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(1);
    });

    it('adds a consumer to a stream that is there, also to somebody else’s', async () => {
      await bus().provision(PLAN);
      const added = aStream({ owned: false, maxMessages: 5, consumers: [aConsumer({ name: 'added' })] });
      await bus().provision(streamsOf(added));
      const { streams } = await connect();
      expect(await streams.consumerState(STREAM, 'added')).to.include({ pending: 0, unsettled: 0 });
      expect(await streams.consumerState(STREAM, CONSUMER)).to.include({ pending: 0, unsettled: 0 });
    });

    it('refuses what is there otherwise, with all that differs, and does nothing', async () => {
      await bus().provision(PLAN);
      const other = { ...aStream({ maxMessages: 5, consumers: [aConsumer({ ackWaitMs: 7_000 })] }) };
      const error = await failure(
        bus().provision({ streams: [aStream({ name: 'new', subjects: ['new'], consumers: [] }), other], buckets: [] }),
      );
      expect(error).to.be.busError('TERABUS_STORE_DRIFT');
      const { message } = BusError.from(error);
      for (const part of ['maxMessages', STREAM, '5', '-1', 'ackWaitMs', CONSUMER, '7000', '60000']) {
        expect(message).to.include(part);
      }
      const { streams } = await connect();
      expect(await failure(streams.streamState('new'))).to.be.busError('TERABUS_STREAM_MISSING');
    });

    it('makes no stream of somebody else', async () => {
      const error = await failure(bus().provision(streamsOf(aStream({ owned: false }))));
      expect(error).to.be.busError('TERABUS_STORE_DRIFT');
    });
  });

  describe('what is expected', () => {
    it('has no differences where all is as planned', async () => {
      await bus().provision(PLAN);
      const alice = await connect();
      expect((await alice.streams.expect(PLAN)).differences).to.deep.equal([]);
      expect(problems(alice)).to.deep.equal([]);
    });

    it('is told with each field that differs: what is wanted, and what is found', async () => {
      await bus().provision(PLAN);
      const { streams } = await connect();
      const wanted = { ...PLAN, streams: [aStream({ maxMessages: 5, consumers: [aConsumer({ maxAckPending: 7 })] })] };
      const { differences } = await streams.expect(wanted);
      expect(differences).to.deep.equal([
        { where: `stream '${STREAM}'`, field: 'maxMessages', wanted: 5, found: -1 },
        { where: `consumer '${CONSUMER}' of stream '${STREAM}'`, field: 'maxAckPending', wanted: 7, found: 1_000 },
      ]);
    });

    it('is told where it is missing as a whole', async () => {
      const { streams } = await connect();
      expect(fields(await streams.expect(PLAN))).to.have.members([
        `all of stream '${STREAM}'`,
        `all of bucket '${aBucket().name}'`,
      ]);
      await bus().provision(streamsOf(aStream({ consumers: [] })));
      expect(fields(await streams.expect(streamsOf(aStream())))).to.deep.equal([
        `all of consumer '${CONSUMER}' of stream '${STREAM}'`,
      ]);
    });

    it('says nothing of how a stream stores that is somebody else’s', async () => {
      await bus().provision(PLAN);
      const { streams } = await connect();
      expect(fields(await streams.expect(streamsOf(aStream({ owned: false, maxMessages: 5 }))))).to.deep.equal([]);
    });

    it('is a problem later where something is deleted or drifts, until all is as planned again', async () => {
      const named = (name: string) =>
        aStream({ name, subjects: [`${name}.*`], consumers: [aConsumer({ filter: `${name}.*` })] });
      const plan = streamsOf(named('deleted'), named('forgetful'), named('drifting'));
      await bus().provision(plan);
      const alice = await connect();
      const events: TransportEvent[] = [];
      alice.watch((event) => events.push(event));
      await alice.streams.expect(plan);
      await bus().deleteStream('deleted');
      await bus().deleteConsumer('forgetful', CONSUMER);
      await bus().updateStream('drifting', { maxMessages: 5 });
      const reasons = ['TERABUS_CONSUMER_MISSING', 'TERABUS_STORE_DRIFT', 'TERABUS_STREAM_MISSING'];
      // Once or more: the consumer of a missing stream is missing too.
      const kinds = (of: readonly (string | undefined)[]) => [...new Set(of)].sort();
      await until(async () => (await settled(pass)) && kinds(problems(alice)).length === reasons.length);
      expect(kinds(problems(alice))).to.deep.equal(reasons);
      await bus().updateStream('drifting', { maxMessages: -1 });
      await bus().provision(plan);
      await until(async () => (await settled(pass)) && problems(alice).length === 0);
      const said = (kind: string) =>
        kinds(events.flatMap((event) => (event.kind === kind && 'error' in event ? [event.error.reason] : [])));
      expect([said('problem'), said('solved')]).to.deep.equal([reasons, reasons]);
    });

    it('is a problem from the beginning where it differs, until nobody expects it any more', async () => {
      await bus().provision(PLAN);
      const alice = await connect();
      const expectation = await alice.streams.expect(streamsOf(aStream({ maxMessages: 5 })));
      expect(problems(alice)).to.deep.equal(['TERABUS_STORE_DRIFT']);
      expectation.end();
      expect(problems(alice)).to.deep.equal([]);
    });

    it('goes on being read when it is there again', async () => {
      const alice = await withStream(aStream());
      const reader = await readFrom(alice);
      await storeAll(alice, 'a');
      (await reader.first(1))[0]?.ack();
      await bus().deleteStream(STREAM);
      expect(await failure(store(alice, 'news.a', 'lost'))).to.be.busError('TERABUS_STREAM_UNAVAILABLE');
      await bus().provision(PLAN);
      await storeAll(alice, 'b');
      await until(async () => (await settled(pass)) && reader.deliveries.length === 2);
      expect(told(reader.deliveries)).to.deep.equal(['a 1', 'b 1']);
    });
  });

  describe('a link that is lost', () => {
    it('refuses to store, or leaves it open, and the same id finds out', async () => {
      const alice = await withStream(aStream());
      const messageId = anId();
      const restore = await bus().interrupt();
      const error = BusError.from(
        await failure(
          alice.streams.store({ subject: 'news.a', bytes: new Uint8Array(1), stream: STREAM, messageId }, 500),
        ),
      );
      expect(['TERABUS_DISCONNECTED', 'TERABUS_STORE_UNKNOWN']).to.include(error.reason);
      expect(error.retryable).to.equal(true);
      await restore();
      await until(async () => await stores(alice, messageId));
      expect((await alice.streams.streamState(STREAM)).messages).to.equal(1);
    });

    it('keeps the intake, and what was not settled comes again', async () => {
      const alice = await withStream(aStream(SOON));
      await storeAll(alice, 'a', 'b');
      const reader = await readFrom(alice);
      const [first] = await reader.first(2);
      first?.ack();
      await until(async () => (await alice.streams.consumerState(STREAM, CONSUMER)).unsettled === 1);
      const restore = await bus().interrupt();
      reader.deliveries[1]?.ack();
      await restore();
      await until(async () => await stores(alice, anId()));
      await until(async () => (await settled(pass)) && reader.deliveries.length >= 4);
      expect(told(reader.deliveries)).to.include('b 2').and.not.include('a 2');
      expect(reader.deliveries.map(({ sequence }) => sequence)).to.include(3);
    });
  });
}

/** Whether something could be stored; errors that may be tried again are not. */
async function stores(transport: Transport, messageId: string): Promise<boolean> {
  try {
    await store(transport, 'news.a', 'again', { messageId });
    return true;
  } catch (error) {
    if (BusError.from(error).retryable) return false;
    throw error;
  }
}

/** Lets time go on a little, wherever it comes from. */
async function settled(pass: StreamsSuite['pass']): Promise<true> {
  await pass(100);
  return true;
}
