import type { StorePlan, Transport } from '@terabus/core/transport';
import { toName } from '@terabus/core/transport';
import { compareStore, connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { eventually } from '../support/eventually.js';
import { hurriedClock } from '../support/hurried-clock.js';
import { administrator } from './admin.js';
import { reasonOf } from './consumed.js';
import { consumer, plan, stream } from './plans.js';

const STREAM = "stream 'ward.events'";
const CONSUMER = "consumer 'nurse ward.events.>' of stream 'ward.events'";

const everything: StorePlan = {
  streams: [
    stream({
      ...{ retention: 'limits', maxAgeMs: 60_000, maxMessages: 10, maxBytes: 100_000, maxMessagesPerSubject: 1 },
      ...{ duplicateWindowMs: 30_000, republishTo: '_LIVE', subjects: ['ward.events.>', 'ward.other'] },
      consumers: [
        consumer({ start: 'new', filter: 'ward.events.a', name: 'a' }),
        consumer({ start: { sequence: 7 }, filter: 'ward.events.*', name: 'b', ackWaitMs: 1_500 }),
        consumer({ start: { timeMs: 1_700_000_000_123 }, filter: 'ward.other', name: 'c', maxAckPending: 3 }),
      ],
    }),
    stream({
      name: 'retries',
      subjects: ['_RETRY.x.*'],
      retention: 'workqueue',
      consumers: [consumer({ filter: '_RETRY.x.y' })],
    }),
  ],
  buckets: [{ name: 'the marks', ttlMs: 5_000, maxKeys: 1_000, replicas: 1 }],
};

describe('provisioning', () => {
  let server: NatsServer;
  let transport: Transport;
  let cases = 0;
  const options = () => ({ servers: server.url, namespace: `case${cases}` });
  const problems = () => transport.health().problems.map(({ reason, rawMessage }) => `${reason} ${rawMessage}`);
  const untilProblems = (...expected: string[]) =>
    eventually(() => {
      expect(problems()).to.deep.equal(expected);
    });

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    cases += 1;
    transport = await connectNats({ ...options(), clock: hurriedClock(10) });
  });
  afterEach(() => transport.close());

  it('makes what is missing, says so, and leaves it alone the next time', async () => {
    const missing = await compareStore(everything, options());
    expect(
      missing.map(({ where, field }) => [where, field]),
      'of a missing stream the consumers say nothing more',
    ).to.deep.equal([
      [STREAM, undefined],
      ["stream 'retries'", undefined],
      ["bucket 'the marks'", undefined],
    ]);
    const { made, left } = await provision(everything, options());
    expect(made)
      .to.have.length(7)
      .and.include.members([STREAM, "bucket 'the marks'", "consumer 'a' of stream 'ward.events'"]);
    expect(left).to.deep.equal([]);
    expect(await compareStore(everything, options())).to.deep.equal([]);
    expect(await provision(everything, options())).to.deep.equal({ made: [], left: made });
  });

  it('refuses what differs, field by field, and makes nothing then', async () => {
    await provision(plan(), options());
    const other: StorePlan = {
      streams: [
        stream({
          ...{
            maxAgeMs: 5_000_000,
            maxBytes: 5,
            discard: 'old',
            subjects: ['ward.events.*'],
            duplicateWindowMs: 1_000,
          },
          consumers: [consumer({ ackWaitMs: 1_000, start: 'new', filter: 'ward.events.*', maxAckPending: 2 })],
        }),
        stream({ name: 'another', subjects: ['another'], consumers: [] }),
      ],
      buckets: [],
    };
    const error = await provision(other, options()).catch((thrown: { reason: string; rawMessage: string }) => thrown);
    expect(error).to.include({
      reason: 'TERABUS_STORE_DRIFT',
      rawMessage: `what is stored is not as planned: ${[
        `subjects of ${STREAM} should be ["ward.events.*"] and is ["ward.events.>"]`,
        `maxAgeMs of ${STREAM} should be 5000000 and is 0`,
        `maxBytes of ${STREAM} should be 5 and is 10000000`,
        `discard of ${STREAM} should be "old" and is "new"`,
        `duplicateWindowMs of ${STREAM} should be 1000 and is 120000`,
        `filter of ${CONSUMER} should be "ward.events.*" and is "ward.events.>"`,
        `ackWaitMs of ${CONSUMER} should be 1000 and is 30000`,
        `maxAckPending of ${CONSUMER} should be 2 and is 1000`,
        `start of ${CONSUMER} should be "new" and is "all"`,
      ].join('; ')}`,
    });
    expect(await reasonOf(transport.streams.streamState('another'))).to.equal('TERABUS_STREAM_MISSING');
    expect(await compareStore(plan(), options()), 'it is as it was').to.deep.equal([]);
  });

  it('refuses what no plan could have made', async () => {
    await provision(plan(), options());
    const admin = await administrator(server.url);
    const name = (text: string) => toName(text, options().namespace);
    const [called, group] = [name('ward.events'), name(consumer().name)];
    const { config } = await admin.call(`STREAM.INFO.${called}`);
    await admin.call(`STREAM.UPDATE.${called}`, { ...config, allow_rollup_hdrs: true });
    const { config: taken } = await admin.call(`CONSUMER.INFO.${called}.${group}`);
    // Servers of 2.9 change it without a word.
    const limited = { stream_name: called, config: { ...taken, max_deliver: 5 } };
    await admin.call(`CONSUMER.DURABLE.CREATE.${called}.${group}`, limited);
    await admin.close();
    expect(await compareStore(plan(), options())).to.deep.equal([
      { where: STREAM, field: 'allow_rollup_hdrs', wanted: false, found: true },
      { where: CONSUMER, field: 'max_deliver', wanted: -1, found: 5 },
    ]);
    expect(await reasonOf(provision(plan(), options()))).to.equal('TERABUS_STORE_DRIFT');
  });

  it('refuses a stream that acknowledges nothing, and a consumer that keeps messages or itself back', async () => {
    await provision(plan(), options());
    const admin = await administrator(server.url);
    const name = (text: string) => toName(text, options().namespace);
    const [called, group] = [name('ward.events'), name(consumer().name)];
    const { config } = await admin.call(`STREAM.INFO.${called}`);
    await admin.call(`STREAM.UPDATE.${called}`, { ...config, no_ack: true });
    const { config: taken } = await admin.call(`CONSUMER.INFO.${called}.${group}`);
    const limits = { headers_only: true, max_batch: 2, max_expires: 1e9, max_bytes: 5, inactive_threshold: 60e9 };
    await admin.call(`CONSUMER.DURABLE.CREATE.${called}.${group}`, {
      stream_name: called,
      config: { ...taken, ...limits },
    });
    await admin.close();
    expect(await compareStore(plan(), options())).to.deep.equal([
      { where: STREAM, field: 'no_ack', wanted: false, found: true },
      { where: CONSUMER, field: 'headers_only', wanted: false, found: true },
      { where: CONSUMER, field: 'max_batch', wanted: undefined, found: 2 },
      { where: CONSUMER, field: 'max_expires', wanted: undefined, found: 1e9 },
      { where: CONSUMER, field: 'max_bytes', wanted: undefined, found: 5 },
      { where: CONSUMER, field: 'inactive_threshold', wanted: undefined, found: 60e9 },
    ]);
  });

  it('refuses a bucket that is limited in bytes', async () => {
    const marks = { streams: [], buckets: everything.buckets };
    await provision(marks, options());
    const admin = await administrator(server.url);
    const called = `KV_${toName('the marks', options().namespace)}`;
    const { config } = await admin.call(`STREAM.INFO.${called}`);
    await admin.call(`STREAM.UPDATE.${called}`, { ...config, max_bytes: 5_000 });
    await admin.close();
    expect(await compareStore(marks, options())).to.deep.equal([
      { where: "bucket 'the marks'", field: 'max_bytes', wanted: -1, found: 5_000 },
    ]);
  });

  it('makes consumers on a stream of another service, and says whose plan has to be provisioned first', async () => {
    const readers = plan({ owned: false });
    const error = await provision(readers, options()).catch((thrown: { reason: string; rawMessage: string }) => thrown);
    expect(error).to.include({
      reason: 'TERABUS_STORE_DRIFT',
      rawMessage: `there is no ${STREAM}, which another service owns: provision the plan of that one first`,
    });
    await provision(plan({ consumers: [], maxBytes: 77_000 }), options());
    expect(await provision(readers, options())).to.deep.equal({ made: [CONSUMER], left: [STREAM] });
  });

  it('says what to do where the server can not make it', async () => {
    const sentence = (some: Parameters<typeof plan>[0]) =>
      provision(plan(some), options()).then(
        () => 'made',
        (error: { rawMessage: string }) => error.rawMessage,
      );
    expect(await sentence({ replicas: 3 })).to.contain('more replicas than there are servers');
    expect(await sentence({ maxBytes: 1e15 })).to.contain('JetStream keeps room for maxBytes of each stream');
    await provision(plan({ name: 'first', consumers: [] }), options());
    expect(await sentence({})).to.contain('Another stream stores one of its subjects');
  });

  it('says that JetStream is off', async () => {
    await using plain = await startNatsServer();
    const error = await provision(plan(), { servers: plain.url, clock: hurriedClock(10) }).catch(
      (thrown: { reason: string }) => thrown,
    );
    expect(error)
      .to.include({ reason: 'TERABUS_STREAM_UNAVAILABLE' })
      .and.have.property('rawMessage')
      .contain('not switched on');
  });

  it('shows a running service what is missing or differs, until it is mended', async () => {
    await provision(plan(), options());
    const expectation = await transport.streams.expect(plan());
    expect(expectation.differences).to.deep.equal([]);
    expect(problems()).to.deep.equal([]);

    const admin = await administrator(server.url);
    const name = toName('ward.events', options().namespace);
    await admin.call(`STREAM.DELETE.${name}`);
    await untilProblems(`TERABUS_STREAM_MISSING there is no ${STREAM}: provision it`);
    await provision(plan(), options());
    await untilProblems();

    const { config } = (await admin.call(`STREAM.INFO.${name}`)) as { config: object };
    await admin.call(`STREAM.UPDATE.${name}`, { ...config, discard: 'old' });
    await untilProblems(
      `TERABUS_STORE_DRIFT what is stored is not as planned: discard of ${STREAM} should be "new" and is "old"`,
    );
    await admin.call(`STREAM.UPDATE.${name}`, config);
    await untilProblems();
    expectation.end();
    await admin.close();
  });

  it('compares of the streams of others only that they are there', async () => {
    await provision(plan({ maxBytes: 77_000 }), options());
    const others = plan({ owned: false, consumers: [consumer(), consumer({ name: 'missing' })] });
    const expectation = await transport.streams.expect(others);
    const [missing, ...more] = expectation.differences;
    expect(more).to.deep.equal([]);
    expect(missing).to.include({
      where: "consumer 'missing' of stream 'ward.events'",
      field: undefined,
      found: undefined,
    });
    await untilProblems(
      "TERABUS_CONSUMER_MISSING there is no consumer 'missing' of stream 'ward.events': provision it",
    );
    expectation.end();
    expect(problems(), 'nobody asks any more').to.deep.equal([]);
  });
});
