import type { Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsCluster, type NatsServer, startNatsCluster, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { administrator } from './streams/admin.js';
import { Consumed, storeSome } from './streams/consumed.js';
import { consumer, plan, stream } from './streams/plans.js';
import { eventually } from './support/eventually.js';

/** Stores until it is stored, as a publisher does. */
const stored = (transport: Transport, from: number) => eventually(() => storeSome(transport, 1, 10, from));

describe('startNatsServer with JetStream', () => {
  it('keeps what is stored over a kill, a restart and a reload', async () => {
    await using server = await startNatsServer({ jetstream: true });
    const options = { servers: server.url };
    await provision(plan(), options);
    const transport = await connectNats(options);
    await storeSome(transport, 3);
    await server.kill();
    await server.restart();
    await server.restart();
    await server.reload('max_payload: 1MB');
    await eventually(async () => {
      expect((await transport.streams.streamState(stream().name)).messages).to.equal(3);
    });
    await transport.close();
  });
});

/** An election takes 5 to 13 s, and one of the stream may be followed by one of its consumer. */
const ELECTIONS_MS = 30_000;

describe('startNatsCluster', () => {
  let cluster: NatsCluster;
  before(async function () {
    this.timeout(60_000);
    cluster = await startNatsCluster();
    await provision(plan({ replicas: 3 }), { servers: [...cluster.urls] });
  });
  after(() => cluster.stop());

  /** The node that leads the stream. */
  async function leading(): Promise<NatsServer | undefined> {
    const admin = await administrator(cluster.urls[0] ?? '');
    const info = (await admin.call('STREAM.INFO.ward__events')) as unknown as {
      readonly cluster: { readonly leader: string; readonly replicas: readonly object[] };
    };
    await admin.close();
    expect(info.cluster.replicas).to.have.length(2);
    return cluster.nodes[Number(info.cluster.leader.slice('node-'.length)) - 1];
  }

  it('hands out what has an @ in its subject through each of its servers', async function () {
    this.timeout(60_000);
    const namespace = 'prod';
    await provision(plan({ replicas: 3 }), { servers: [...cluster.urls], namespace });
    const subjects = ['ward.events.a', 'ward.events.ann@example.org', 'ward.events.@.b@c'];
    for (const servers of cluster.urls) {
      const transport = await connectNats({ servers, namespace });
      for (const subject of subjects) {
        const message = { subject, bytes: new Uint8Array(), stream: stream().name, messageId: `${servers} ${subject}` };
        await transport.streams.store(message, 5_000);
      }
      const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
      await consumed.until(3);
      expect(consumed.deliveries.map(({ subject }) => subject)).to.deep.equal(subjects);
      await eventually(async () => {
        const { unsettled } = await transport.streams.consumerState(stream().name, consumer().name);
        expect(unsettled).to.equal(0);
      });
      await consumed.consuming.stop();
      await transport.close();
    }
  });

  it('says of messages that are not there that none was deleted', async () => {
    const namespace = 'news';
    await provision(plan({ replicas: 3, consumers: [] }), { servers: [...cluster.urls], namespace });
    const transport = await connectNats({ servers: [...cluster.urls], namespace });
    await storeSome(transport, 2);
    const counts = [];
    for (const sequence of [1, 1, 7, 2, 2]) counts.push(await transport.streams.purge(stream().name, { sequence }));
    expect(counts).to.deep.equal([1, 0, 0, 1, 0]);
    await transport.close();
  });

  it('has three replicas of a stream, and goes on while its leader is gone', async function () {
    this.timeout(60_000);
    const transport = await connectNats({ servers: [...cluster.urls] });
    await storeSome(transport, 5);
    const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
    await consumed.until(5);

    const leader = await leading();
    await leader?.kill();
    await eventually(() => stored(transport, 5));
    await eventually(() => consumed.until(6).then(() => {}));
    await leader?.restart();
    await stored(transport, 6);
    await consumed.until(7);
    expect(new Set(consumed.sequences)).to.deep.equal(new Set([1, 2, 3, 4, 5, 6, 7]));
    await transport.close();
  });

  it('shows that nobody stores and nobody hands out, and goes on when there is a leader again', async function () {
    this.timeout(120_000);
    // One that has lost the others would go on answering for some 10 s.
    const leader = await leading();
    const witness = cluster.nodes.find((node) => node !== leader);
    const others = cluster.nodes.filter((node) => node !== witness);
    const transport = await connectNats({ servers: witness?.url ?? '' });
    const expectation = await transport.streams.expect(plan({ replicas: 3 }));
    const consumed = await Consumed.start(transport, {}, (delivery) => delivery.ack());
    const reasons = () => new Set(transport.health().problems.map(({ reason }) => reason));
    await Promise.all(others.map((node) => node.kill()));
    await eventually(() => {
      expect(reasons()).to.deep.equal(new Set(['TERABUS_STREAM_UNAVAILABLE']));
    });
    await Promise.all(others.map((node) => node.restart()));
    await eventually(() => stored(transport, 100), ELECTIONS_MS);
    await eventually(() => {
      expect(reasons()).to.deep.equal(new Set());
    }, ELECTIONS_MS);
    const { length } = consumed.deliveries;
    await stored(transport, 101);
    await consumed.until(length + 1, ELECTIONS_MS);
    expectation.end();
    await transport.close();
  });
});
