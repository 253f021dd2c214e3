import type { Transport } from '@terabus/core/transport';
import { toName } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { eventually } from '../support/eventually.js';
import { rawClient } from '../support/raw-client.js';
import { administrator } from './admin.js';
import { Consumed, reasonOf, storeSome } from './consumed.js';
import { consumer, plan, stream } from './plans.js';

const count = (n: number, from = 1) => Array.from({ length: n }, (_, i) => i + from);

describe('taking from JetStream', () => {
  let server: NatsServer;
  let transport: Transport;
  let cases = 0;

  const options = () => ({ servers: server.url, namespace: `case${cases}` });
  const state = () => transport.streams.consumerState(stream().name, consumer().name);

  const untilState = (expected: object) =>
    eventually(async () => {
      expect(await state()).to.include(expected);
    });

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    cases += 1;
    transport = await connectNats(options());
  });
  afterEach(() => transport.close());

  it('hands out everything in order, with what the stream knows of it', async () => {
    await provision(plan(), options());
    await storeSome(transport, 300);
    const consumed = await Consumed.start(transport, { maxUnsettled: 20 }, (delivery) => delivery.ack());
    await consumed.until(300);
    expect(consumed.sequences).to.deep.equal(count(300));
    const [first] = consumed.deliveries;
    expect(first).to.include({ stream: 'ward.events', subject: 'ward.events.0', deliveries: 1, pending: 299 });
    await untilState({ pending: 0, unsettled: 0 });
  });

  it('hands out no more than may be unsettled, and more as it is settled', async () => {
    await provision(plan(), options());
    await storeSome(transport, 20);
    const consumed = await Consumed.start(transport, { maxUnsettled: 5 });
    await consumed.until(5);
    await transport.flush();
    expect(await state()).to.include({ pending: 15, unsettled: 5 });
    consumed.deliveries[3]?.ack();
    consumed.deliveries[1]?.ack();
    await consumed.until(7);
    expect(consumed.sequences).to.deep.equal(count(7));
    expect(await state()).to.include({ pending: 13, unsettled: 5 });
  });

  it('asks for more while it is still being handed out, and for no more than there is room for', async () => {
    await provision(plan(), options());
    const admin = await administrator(server.url);
    const asked: number[] = [];
    admin.connection.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${toName(stream().name, options().namespace)}.>`, {
      callback: (_, message) => asked.push(message.json<{ batch: number }>().batch),
    });
    await admin.connection.flush();
    await storeSome(transport, 8);
    const consumed = await Consumed.start(transport, { maxUnsettled: 8 });
    for (const delivery of await consumed.until(8)) delivery.ack();
    await storeSome(transport, 6, 10, 8);
    for (const delivery of (await consumed.until(14)).slice(8, 13)) delivery.ack();
    await eventually(() => {
      expect(asked).to.deep.equal([8, 8, 5]);
    });
    await storeSome(transport, 9, 10, 14);
    await consumed.until(21);
    await untilState({ pending: 2, unsettled: 8 });
    expect(consumed.sequences).to.deep.equal(count(21));
    await admin.close();
  });

  it('bounds the bytes too, and lets a message through that is larger than the bound', async () => {
    await provision(plan(), options());
    await storeSome(transport, 3, 1_000);
    await storeSome(transport, 1, 10_000, 3);
    await storeSome(transport, 1, 1_000, 4);
    const consumed = await Consumed.start(transport, { maxUnsettledBytes: 3_000 });
    await consumed.until(3);
    await transport.flush();
    expect(await state()).to.include({ pending: 2, unsettled: 3 });
    consumed.deliveries[0]?.ack();
    await consumed.until(4);
    expect(await state()).to.include({ pending: 1, unsettled: 3 });
    for (const delivery of consumed.deliveries.slice(1)) delivery.ack();
    await consumed.until(5);
    expect(consumed.sequences).to.deep.equal(count(5));
  });

  it('lets one through that is larger than all that may be unsettled, behind small ones', async () => {
    await provision(plan(), options());
    await storeSome(transport, 50);
    await storeSome(transport, 1, 10_000, 50);
    await storeSome(transport, 1, 10, 51);
    const consumed = await Consumed.start(transport, { maxUnsettledBytes: 3_000 }, (delivery) => delivery.ack());
    await consumed.until(52);
    expect(consumed.sequences).to.deep.equal(count(52));
  });

  it('hands out again what is put back: at once, or later', async () => {
    await provision(plan(), options());
    await storeSome(transport, 1);
    const times: number[] = [];
    const consumed = await Consumed.start(transport, {}, (delivery) => {
      times.push(performance.now());
      if (delivery.deliveries === 1) delivery.later(0);
      else if (delivery.deliveries === 2) delivery.later(300);
      else delivery.ack();
    });
    await consumed.until(3);
    const [, second = 0, third = 0] = times;
    expect(third - second).to.be.at.least(290);
    expect(consumed.deliveries.map(({ deliveries }) => deliveries)).to.deep.equal([1, 2, 3]);
  });

  it('hands out again what nobody settled, but not what is worked on', async () => {
    await provision(plan({ consumers: [consumer({ ackWaitMs: 400 })] }), options());
    await storeSome(transport, 2);
    const consumed = await Consumed.start(transport);
    await consumed.until(2);
    const [, worked] = consumed.deliveries;
    const working = setInterval(() => worked?.working(), 100);
    await consumed.until(4);
    clearInterval(working);
    expect(consumed.sequences).to.deep.equal([1, 2, 1, 1]);
  });

  it('settles each delivery once', async () => {
    await provision(plan(), options());
    await storeSome(transport, 3);
    const consumed = await Consumed.start(transport, { maxUnsettled: 1 });
    const [first] = await consumed.until(1);
    first?.ack();
    first?.ack();
    first?.later(0);
    await consumed.until(2);
    await transport.flush();
    expect(await state()).to.include({ pending: 1, unsettled: 1 });
  });

  it('goes on after the server was killed and has come back', async () => {
    await provision(plan(), options());
    await storeSome(transport, 5);
    const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
    await consumed.until(5);
    await server.kill();
    await server.restart();
    await eventually(() => storeSome(transport, 5, 10, 5));
    await consumed.until(10);
    expect(new Set(consumed.sequences)).to.deep.equal(new Set(count(10)));
  });

  it('hands over nothing any more when it was stopped, and strands nothing', async () => {
    await provision(plan(), options());
    await storeSome(transport, 3_000);
    let stopped: Promise<void> | undefined;
    const consumed: Consumed = await Consumed.start(transport, { maxUnsettled: 1_000 }, (delivery) => {
      delivery.ack();
      // In the midst of what comes.
      if (delivery.sequence === 1_500) stopped = consumed.consuming.stop();
    });
    await consumed.until(1_500);
    await stopped;
    const { length } = consumed.deliveries;
    const other = await Consumed.start(transport, { maxUnsettled: 1_000 }, (delivery) => delivery.ack());
    await other.until(3_000 - length);
    await untilState({ pending: 0, unsettled: 0 });
    expect(consumed.deliveries).to.have.length(length);
    expect([...consumed.sequences, ...other.sequences]).to.deep.equal(count(3_000));
    expect(
      new Set(other.deliveries.map(({ deliveries }) => deliveries)),
      'none was on its way to nobody',
    ).to.deep.equal(new Set([1]));
  });

  it('hands out in order what is put back behind a stop', async () => {
    await provision(plan(), options());
    await storeSome(transport, 5);
    const consumed = await Consumed.start(transport);
    for (const delivery of await consumed.until(5)) if (delivery.sequence === 1) delivery.ack();
    await consumed.consuming.stop();
    for (const delivery of consumed.deliveries.slice(1)) delivery.later(0);
    const other = await Consumed.start(transport);
    await other.until(4);
    expect(other.deliveries.map(({ sequence, deliveries }) => [sequence, deliveries])).to.deep.equal(
      count(4, 2).map((sequence) => [sequence, 2]),
    );
  });

  it('refuses to start without its consumer', async () => {
    expect(await reasonOf(Consumed.start(transport))).to.equal('TERABUS_CONSUMER_MISSING');
    await provision(plan({ consumers: [] }), options());
    expect(await reasonOf(Consumed.start(transport))).to.equal('TERABUS_CONSUMER_MISSING');
    expect(transport.health().problems).to.deep.equal([]);
  });

  it('is not ready while its consumer is gone, and goes on when it is back', async () => {
    await provision(plan(), options());
    const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
    const admin = await administrator(server.url);
    const spelled = [stream(), consumer()].map(({ name }) => toName(name, `case${cases}`));
    expect(await admin.call(`CONSUMER.DELETE.${spelled.join('.')}`)).to.include({ success: true });
    await eventually(() => {
      expect(transport.health().problems.map(({ reason }) => reason)).to.deep.equal(['TERABUS_CONSUMER_MISSING']);
    });
    await provision(plan(), options());
    await storeSome(transport, 1);
    await consumed.until(1);
    expect(transport.health().problems).to.deep.equal([]);
    await admin.close();
  });

  it('hands out what has headers that nobody can read, without them, and tells of it', async () => {
    await provision(plan(), options());
    const client = await rawClient(server.port);
    await client.publish(`@${options().namespace}.ward.events.a`, 'content', {
      headers: 'NATS/1.0\r\nno header\r\n\r\n',
    });
    client.close();
    const bad: unknown[] = [];
    transport.watch(({ kind }) => kind === 'bad-message' && bad.push(kind));
    const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
    const [delivery] = await consumed.until(1);
    expect(Buffer.from(delivery?.bytes ?? '').toString()).to.equal('content');
    expect(delivery?.headers.size).to.equal(0);
    expect(bad).to.have.length(1);
    await untilState({ pending: 0, unsettled: 0 });
  });
});
