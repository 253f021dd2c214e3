import { writeFileSync } from 'node:fs';
import type { BusError, Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { watching } from './support/events.js';
import { eventually } from './support/eventually.js';
import { answering, ask, bytes, record, text } from './support/recorder.js';

const FORBIDDEN = 'TERABUS_NATS_FORBIDDEN';

/** A server's users: bob with some grants, root with all. */
const users = (publish: string[], subscribe: string[]) => `
authorization { users: [
  { user: root, password: r }
  { user: bob, password: b, permissions: { publish: ${JSON.stringify(publish)}, subscribe: ${JSON.stringify(subscribe)} } }
] }`;

describe('what a server refuses', () => {
  let server: NatsServer;
  let bob: Transport;
  let root: Transport;
  let seen: ReturnType<typeof watching>;

  async function start(publish: string[], subscribe: string[]) {
    server = await startNatsServer({ configuration: users(publish, subscribe) });
    bob = await connectNats({ servers: server.url, name: 'bob', user: 'bob', password: 'b' });
    root = await connectNats({ servers: server.url, user: 'root', password: 'r' });
    seen = watching(bob);
  }
  /** Other grants, for connections that stay. */
  function grant(publish: string[], subscribe: string[]) {
    writeFileSync(`${server.directory}/server.conf`, users(publish, subscribe));
    process.kill(server.pid, 'SIGHUP');
  }
  beforeEach(() => start(['yes.>'], ['yes.>']));
  afterEach(async () => {
    await Promise.all([bob.close(), root.close()]);
    await server.stop();
  });

  const publish = (topic: string, onUnconfirmed?: (error: BusError) => void) =>
    bob.publish({ topic, bytes: bytes('x'), onUnconfirmed }).then(
      () => undefined,
      (error: BusError) => error,
    );
  const problems = () => bob.health().problems.map(({ reason, details }) => [reason, details?.['subject']]);

  it('is the first publish on a subject, which names what has to be granted', async () => {
    const received = await record(root, { pattern: '>' });
    const refused = [
      await publish('no.a'),
      await publish('no.a'),
      ...(await Promise.all([publish('no.b'), publish('no.b')])),
    ];
    expect(refused.map((error) => [error?.reason, error?.details])).to.deep.equal([
      [FORBIDDEN, { operation: 'publish', subject: 'no.a' }],
      [FORBIDDEN, { operation: 'publish', subject: 'no.a' }],
      [FORBIDDEN, { operation: 'publish', subject: 'no.b' }],
      [FORBIDDEN, { operation: 'publish', subject: 'no.b' }],
    ]);
    expect(refused[0]?.message).to.contain('publish').and.contain('no.a');
    expect([await publish('yes.a'), await publish('yes.a')]).to.deep.equal([undefined, undefined]);
    await bob.flush();
    expect((await received.stop()).map(({ topic }) => topic)).to.deep.equal(['yes.a', 'yes.a']);
    expect(problems()).to.deep.equal([
      [FORBIDDEN, 'no.a'],
      [FORBIDDEN, 'no.b'],
    ]);
    expect(seen.kinds()).to.deep.equal(['problem', 'problem']);
  });

  it('is told of each message apart, in whatever company it was sent', async () => {
    const topics = Array.from({ length: 200 }, (_, i) => `${i % 3 === 0 ? 'no' : 'yes'}.${i % 7}`);
    const results = await Promise.all(topics.map((topic) => publish(topic)));
    expect(results.map((error) => error?.details?.['subject'])).to.deep.equal(
      topics.map((topic) => (topic.startsWith('no') ? topic : undefined)),
    );
  });

  it('is a subject that servers quote in their own way', async () => {
    for (const topic of ['no."', 'no.\\', 'no.\\"x\\\\']) {
      expect(await publish(topic))
        .to.have.property('details')
        .that.includes({ subject: topic });
      expect(await ask(bob, topic)).to.have.property('reason', FORBIDDEN);
    }
  });

  it('is solved when it is granted', async () => {
    await publish('no.a');
    grant(['yes.>', 'no.>'], ['yes.>']);
    await eventually(async () => void expect(await publish('no.a')).to.equal(undefined));
    expect(problems()).to.deep.equal([]);
    expect(seen.of('solved').map(({ error }) => error.reason)).to.deep.equal([FORBIDDEN]);
  });

  it('is reported for messages that had resolved, when the grant is taken away', async () => {
    await publish('yes.a');
    const reported: BusError[] = [];
    const sent = () => publish('yes.a', (error) => reported.push(error));
    await sent();
    await bob.flush();
    grant(['none'], ['yes.>']);
    let rejected: BusError | undefined;
    await eventually(async () => {
      rejected = await sent();
      await bob.flush();
      expect(rejected?.reason).to.equal(FORBIDDEN);
    });
    expect(problems()).to.deep.equal([[FORBIDDEN, 'yes.a']]);
    expect(reported.every(({ reason }) => reason === FORBIDDEN)).to.equal(true);
    expect(reported).to.have.length(1);
  });

  it('is a request, which ends at once', async () => {
    await Promise.all([bob.close(), root.close()]);
    await server.stop();
    await start(['yes.>'], ['yes.>', '_REPLY.bob.>']);
    await bob.prepareRequests();
    expect(await ask(bob, 'no.a')).to.have.property('reason', FORBIDDEN);
    await answering(root, 'yes.a');
    expect(await ask(bob, 'yes.a', 'q')).to.satisfy((answer: never) => text(answer) === 'answer to q');
  });

  it('is the place for answers, which is told before the first request, and asked for again', async () => {
    const refused = await bob.prepareRequests().catch((error: BusError) => error);
    expect(refused).to.have.property('reason', FORBIDDEN);
    expect(refused).to.have.nested.property('details.subject', '_REPLY.bob.>');
    expect(problems()).to.deep.equal([[FORBIDDEN, '_REPLY.bob.>']]);

    grant(['yes.>'], ['yes.>', '_REPLY.bob.>']);
    await eventually(() => bob.prepareRequests());
    expect(problems()).to.deep.equal([]);
  });

  it('is an answer, which nobody waits for', async () => {
    await bob.subscribe('yes.rpc', {}, ({ replyTo = '' }) => void bob.respond(replyTo, bytes('never')));
    const forget = root.request({ topic: 'yes.rpc', bytes: bytes('') }, () => {});
    expect((await seen.first('error')).error).to.have.nested.property('details.subject', '_REPLY.terabus.>');
    expect(problems()).to.deep.equal([[FORBIDDEN, '_REPLY.terabus.>']]);
    forget();
  });

  it('is a subscription that is taken away: never silent, and tried again on the next link', async () => {
    const own = await record(bob, { topic: 'yes.a' });
    const shared = await bob.subscribe('yes.b', { group: 'g' }, () => {});
    grant(['yes.>'], ['none']);
    await eventually(
      () =>
        void expect(problems()).to.have.deep.members([
          [FORBIDDEN, 'yes.a'],
          [FORBIDDEN, 'yes.b'],
        ]),
    );
    expect(seen.kinds().sort()).to.deep.equal(['error', 'error', 'problem', 'problem']);
    expect(bob.health().state).to.equal('up');

    const { port } = server;
    await server.stop();
    server = await startNatsServer({ port, configuration: users(['yes.>'], ['yes.>']) });
    await seen.first('reconnected');
    expect(problems()).to.deep.equal([]);
    await bob.publish({ topic: 'yes.a', bytes: bytes('again') });
    expect((await own.stop()).map(text)).to.deep.equal(['again']);
    await shared.drain();
  });

  it('is a subscription that is taken away and granted again: it is back on the same link', async () => {
    const own = await record(bob, { topic: 'yes.a' });
    const received: string[] = [];
    const shared = await bob.subscribe('yes.b', { group: 'g' }, (message) => received.push(text(message)));
    grant(['yes.>'], ['none']);
    await eventually(() => void expect(problems()).to.have.length(2));
    grant(['yes.>'], ['yes.>']);
    await eventually(() => void expect(problems()).to.deep.equal([]));
    expect(seen.kinds().sort()).to.deep.equal(['error', 'error', 'problem', 'problem', 'solved', 'solved']);
    for (const topic of ['yes.a', 'yes.b']) await bob.publish({ topic, bytes: bytes('again') });
    await bob.flush();
    await shared.drain();
    expect([(await own.stop()).map(text), received]).to.deep.equal([['again'], ['again']]);
  });

  it('is a subscription on a later link, as it is on the first', async () => {
    await bob.subscribe('yes.a', {}, () => {});
    const { port } = server;
    await server.stop();
    server = await startNatsServer({ port, configuration: users(['yes.>'], ['none']) });
    await seen.first('reconnected');
    expect(problems()).to.deep.equal([[FORBIDDEN, 'yes.a']]);
    expect(seen.of('error')).to.have.length(1);
    const refused = await bob.subscribe('yes.b', {}, () => {}).catch((error: BusError) => error);
    expect(refused).to.have.nested.property('details.subject', 'yes.b');
  });
});
