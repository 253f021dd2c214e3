import { PGlite } from '@electric-sql/pglite';
import {
  Bus,
  type BusEvent,
  type DurableContext,
  defineService,
  defineTopic,
  from,
  type Host,
  OnPayload,
  planStreams,
  Service,
  startHost,
  TeraService,
} from '@terabus/core';
import { connectNats, provision } from '@terabus/nats';
import { migrate, pgliteDatabase, type Relay, SqlInbox, SqlOutbox } from '@terabus/sql';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { inject } from 'inversify';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';

const orders = defineTopic('sql.orders', { wrapper: 'text', durable: { tries: 2, retryAfterMs: 20 } });
const booked = defineTopic('sql.booked', { wrapper: 'text', durable: true });
const Booking = defineService('Sql.Booking', {});

const pglite = await PGlite.create();
const database = pgliteDatabase(pglite);
const outbox = new SqlOutbox(database, { topics: [booked] });
const inbox = new SqlInbox(database, { outbox });

/** What a story does when effect and event of a message are written, and nothing is committed. */
let uncommitted: (what: string, attempt: number) => void;

@Service(Booking, { uses: [orders, booked] })
class BookingService extends TeraService {
  #relay: Relay | undefined;
  readonly order = (what: string) => this.publish(orders, what);

  constructor(@inject(Bus) private readonly bus: Bus) {
    super();
  }
  protected override onReady() {
    this.#relay = outbox.relay({ bus: this.bus, clock: this.clock, logger: this.logger, leaseMs: 1_000 });
  }
  protected override onStop() {
    return this.#relay?.stop();
  }

  @OnPayload(from(orders, { deduplicate: true, start: 'all', ackWaitMs: 1_000 }))
  async onOrder(what: string, context: DurableContext) {
    const query = inbox.query(context);
    await query('insert into effects (what, attempt) values ($1, $2)', [what, context.durable.attempt]);
    await outbox.publish(query, booked, `${what} by try ${context.durable.attempt}`, { context });
    uncommitted(what, context.durable.attempt);
  }
}

describe('a service over JetStream and a database, with inbox and outbox', () => {
  let server: NatsServer;
  let proxy: ChaosProxy;
  let observer: NatsConnection;
  let hosts: Host[];
  let events: BusEvent[];
  let stream: string;

  /** What lies in the stream of events, read past Terabus. */
  const told = async (): Promise<string[]> => {
    const manager = await observer.jetstreamManager();
    const { state } = await manager.streams.info(stream);
    const all = Array.from({ length: state.messages }, (_, n) =>
      manager.streams.getMessage(stream, { seq: state.first_seq + n }),
    );
    return (await Promise.all(all)).map(({ data }) => new TextDecoder().decode(data));
  };
  const effects = async () =>
    (await pglite.query<{ what: string; attempt: number }>('select what, attempt from effects order by what')).rows.map(
      ({ what, attempt }) => `${what} by try ${attempt}`,
    );
  const seen = (kind: BusEvent['kind']) => events.filter((event) => event.kind === kind).length;

  const start = async (url: string) => {
    const host = await startHost({
      transport: await connectNats({ servers: url }),
      services: [BookingService],
      inbox,
      logger: pino({ level: 'silent' }),
      drainTimeoutMs: 500,
      observers: [(event) => events.push(event)],
    });
    hosts.push(host);
    return host.service(BookingService);
  };

  before(() => migrate(database));
  after(() => pglite.close());
  beforeEach(async () => {
    hosts = [];
    events = [];
    uncommitted = () => {};
    await pglite.exec('drop table if exists effects; create table effects (what text not null, attempt int not null)');
    server = await startNatsServer({ jetstream: true });
    proxy = await startProxy({ target: server.port });
    await provision(planStreams([BookingService]), { servers: server.url });
    observer = await connect({ servers: server.url });
    const manager = await observer.jetstreamManager();
    stream = await manager.streams.find('sql.booked');
  });
  afterEach(async () => {
    await observer.close();
    await proxy.stop();
    await Promise.all(hosts.map((host) => host.stop()));
    await server.stop();
  });

  it('keeps the effect of each message, and tells of it, once', async () => {
    const service = await start(server.url);
    for (const what of ['1', '2', '3']) await service.order(what);
    const all = ['1 by try 1', '2 by try 1', '3 by try 1'];
    await eventually(async () => void expect(await told()).to.deep.equal(all));
    expect(await effects()).to.deep.equal(all);
  });

  it('keeps nothing of a try that fails behind its effect: neither effect nor event', async () => {
    uncommitted = (what, attempt) => {
      if (what === 'never' || (what === 'later' && attempt === 1)) throw new Error('no');
    };
    const service = await start(server.url);
    for (const what of ['never', 'later', 'last']) await service.order(what);
    const all = ['last by try 1', 'later by try 2'];
    await eventually(async () => {
      expect(seen('dead-lettered')).to.equal(1);
      expect((await told()).sort()).to.deep.equal(all);
    });
    expect(await effects()).to.deep.equal(all);
    expect(await outbox.state()).to.include({ waiting: 0, failed: 0 });
  });

  it('takes no try while the inbox has lost its table, and goes on when it is there', async () => {
    await pglite.exec('alter table terabus_inbox rename to lost');
    const service = await start(server.url);
    await service.order('waits');
    await eventually(() => void expect(seen('handled')).to.be.above(1));
    await pglite.exec('alter table lost rename to terabus_inbox');
    await eventually(async () => void expect(await told()).to.deep.equal(['waits by try 1']));
    expect(seen('dead-lettered')).to.equal(0);
  });

  it('repeats nothing over a link that is killed before the commit, nor where an event is stored and nobody hears', async () => {
    uncommitted = (what) => {
      if (what === 'cut') proxy.cut({ once: true });
    };
    const service = await start(proxy.url);
    await service.order('cut');
    await eventually(async () => void expect(await told()).to.deep.equal(['cut by try 1']));

    // The stream says to the relay that it has the event, and the link dies over it.
    const answers = proxy.drop('_REPLY.>', {
      on: 'to-client',
      which: ({ payload }) => Buffer.from(payload).includes(`"stream":"${stream}"`),
    });
    await service.order('unheard');
    await eventually(() => void expect(answers.hits).to.have.length(1));
    answers.remove();
    proxy.cut({ once: true });
    await eventually(async () => void expect(await outbox.state()).to.include({ waiting: 0 }));
    const all = ['cut by try 1', 'unheard by try 1'];
    expect(await told()).to.deep.equal(all);
    expect(await effects()).to.deep.equal(all);
  });

  it('repeats nothing in another instance, where the first one is cut off behind its commit', async () => {
    // It is never heard that the message is handled.
    const acks = proxy.drop('$JS.ACK.>');
    const service = await start(proxy.url);
    await service.order('handed over');
    await eventually(async () => {
      expect(acks.hits).to.have.length.above(0);
      expect(await told()).to.deep.equal(['handed over by try 1']);
    });
    proxy.cut();
    await start(server.url);
    await eventually(() => void expect(seen('deduplicated')).to.equal(1));
    expect(await effects()).to.deep.equal(['handed over by try 1']);
    expect(await told()).to.deep.equal(['handed over by try 1']);
    expect(await outbox.state()).to.include({ waiting: 0 });
  });
});
