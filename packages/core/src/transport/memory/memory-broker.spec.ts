import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Inbound, Outbound, Transport } from '../transport.js';
import { turn } from './event-loop.js';
import type { Crossing } from './exchange.js';
import { MemoryBroker } from './memory-broker.js';
import { VirtualClock } from './virtual-clock.js';

// What every transport promises is the conformance suite's; here is what the memory broker has beside it.

function message(topic: string, text = ''): Outbound {
  return { topic, bytes: Buffer.from(text) };
}

function text({ bytes }: { readonly bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString();
}

/** Has every message of a pattern written to the log. */
async function log(transport: Transport, pattern: string, to: string[], name = '', group?: string): Promise<void> {
  await transport.subscribe(pattern, { group }, (received) => to.push(name + text(received)));
}

describe('MemoryBroker', () => {
  it('hands over when the event loop turns, not before', async () => {
    const broker = new MemoryBroker();
    const alice = broker.connect();
    const arrived: string[] = [];
    await log(alice, 'news', arrived);
    await alice.publish(message('news', 'hello'));
    await Promise.resolve();
    expect(arrived).to.deep.equal([]);
    await turn();
    expect(arrived).to.deep.equal(['hello']);
  });

  it('takes messages of 1 MiB unless told otherwise', () => {
    expect(new MemoryBroker().connect().maxPayloadBytes).to.equal(1_048_576);
    expect(new MemoryBroker({ maxPayloadBytes: 100 }).connect().maxPayloadBytes).to.equal(100);
  });

  it('reports what receivers throw', async () => {
    const errors: unknown[] = [];
    const broker = new MemoryBroker({ onError: (error) => errors.push(error) });
    const alice = broker.connect();
    await alice.subscribe('news', {}, () => {
      throw new Error('by deliver');
    });
    broker.observe(() => {
      throw new Error('by an observer');
    });
    await alice.publish(message('news'));
    alice.request(message('nobody'), () => {
      throw new Error('by settle');
    });
    await broker.idle();
    expect(errors.map((error) => (error as Error).message)).to.deep.equal([
      'by an observer',
      'by an observer',
      'by deliver',
      'by settle',
    ]);
  });

  describe('groups', () => {
    async function sharesOf(seed: number | undefined): Promise<string[]> {
      const broker = new MemoryBroker({ seed });
      const host = broker.connect();
      const arrived: string[] = [];
      for (const name of ['a', 'b', 'c']) await log(host, 'jobs', arrived, name, 'workers');
      for (let n = 0; n < 30; n += 1) await host.publish(message('jobs', `${n}`));
      await broker.idle();
      return arrived;
    }

    it('share in the same way in every run', async () => {
      expect(await sharesOf(undefined)).to.deep.equal(await sharesOf(undefined));
    });

    it('share in another way for another seed', async () => {
      expect(await sharesOf(2)).to.not.deep.equal(await sharesOf(1));
    });
  });

  describe('idle', () => {
    it('waits for what handlers publish in turn', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      const arrived: string[] = [];
      await log(alice, 'count', arrived);
      await alice.subscribe('count', {}, async (received) => {
        const n = Number(text(received));
        // Some steps of its own before it goes on.
        for (let step = 0; step < 5; step += 1) await Promise.resolve();
        if (n > 0) await alice.publish(message('count', `${n - 1}`));
      });
      void alice.publish(message('count', '3'));
      await broker.idle();
      expect(arrived).to.deep.equal(['3', '2', '1', '0']);
    });

    it('gives up on handlers that answer each other without end', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      const subscription = await alice.subscribe('echo', {}, () => void alice.publish(message('echo')));
      await alice.publish(message('echo'));
      const error: unknown = await broker.idle().catch((reason: unknown) => reason);
      await subscription.drain();
      expect(error).to.be.an('error').with.property('message').that.contains('answer each other without end');
    }).timeout(20_000);
  });

  describe('on a virtual clock', () => {
    it('has a new one of its own by default', () => {
      expect(new MemoryBroker().clock).to.be.instanceOf(VirtualClock).and.to.not.equal(new MemoryBroker().clock);
    });

    it('delivers what is queued before time moves on', async () => {
      const clock = new VirtualClock();
      const alice = new MemoryBroker({ clock }).connect();
      const times: string[] = [];
      await alice.subscribe('ping', {}, () => void alice.publish(message('pong')));
      await alice.subscribe('pong', {}, () => times.push(`pong at ${clock.elapsed()}`));
      clock.setTimer(10, () => void alice.publish(message('ping')));
      clock.setTimer(10, () => times.push(`second timer at ${clock.elapsed()}`));
      clock.setTimer(20, () => times.push(`third timer at ${clock.elapsed()}`));
      await alice.publish(message('ping'));
      await clock.advance(20);
      expect(times).to.deep.equal(['pong at 0', 'pong at 10', 'second timer at 10', 'third timer at 20']);
    });

    it('does not make it wait for handlers', async () => {
      const clock = new VirtualClock();
      const alice = new MemoryBroker({ clock }).connect();
      const times: number[] = [];
      await alice.subscribe('work', {}, async () => {
        await new Promise<void>((resolve) => clock.setTimer(500, resolve));
        times.push(clock.elapsed());
      });
      await alice.publish(message('work'));
      await clock.advance(1_000);
      expect(times).to.deep.equal([500]);
    });
  });

  describe('observe', () => {
    it('shows requests, answers and events as they cross', async () => {
      const broker = new MemoryBroker();
      const [client, server] = [broker.connect({ name: 'client' }), broker.connect({ name: 'server' })];
      const crossings: Crossing[] = [];
      broker.observe((crossing) => crossings.push(crossing));
      await server.subscribe('echo', {}, ({ replyTo = '', bytes }) => void server.respond(replyTo, bytes));
      await client.publish({ ...message('news', 'event'), headers: new Map([['name', 'value']]) });
      await (broker.clock as VirtualClock).advance(1_000);
      client.request(message('echo', 'question'), () => {});
      await broker.idle();

      expect(crossings.map(({ kind, from, time, receivers }) => ({ kind, from, time, receivers }))).to.deep.equal([
        { kind: 'publish', from: 'client', time: Date.UTC(2025, 0, 1), receivers: 0 },
        { kind: 'request', from: 'client', time: Date.UTC(2025, 0, 1) + 1_000, receivers: 1 },
        { kind: 'answer', from: 'server', time: Date.UTC(2025, 0, 1) + 1_000, receivers: 1 },
      ]);
      const [event, question, answer] = crossings;
      expect(event?.topic).to.equal('news');
      expect(event?.headers).to.deep.equal(new Map([['name', 'value']]));
      expect(crossings.map(text)).to.deep.equal(['event', 'question', 'question']);
      expect(question?.replyTo).to.be.a('string');
      expect(answer).to.include({ topic: question?.replyTo, replyTo: question?.replyTo });
    });

    it('shows an answer that nobody waits for any more', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      const requests: Inbound[] = [];
      await alice.subscribe('echo', {}, (request) => requests.push(request));
      alice.request(message('echo'), () => {})();
      await broker.idle();
      const crossings: Crossing[] = [];
      broker.observe((crossing) => crossings.push(crossing));
      await alice.respond(requests[0]?.replyTo ?? '', Buffer.from('late'));
      expect(crossings.map(({ kind, receivers }) => ({ kind, receivers }))).to.deep.equal([
        { kind: 'answer', receivers: 0 },
      ]);
    });

    it('shows copies, and nothing that was refused', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      const arrived: string[] = [];
      broker.observe(({ bytes }) => bytes.fill(0));
      const seen: string[] = [];
      broker.observe((crossing) => seen.push(text(crossing)));
      await log(alice, 'news', arrived);
      await alice.publish(message('news', 'intact'));
      await alice.publish(message('')).catch(() => {});
      await broker.idle();
      expect(arrived).to.deep.equal(['intact']);
      expect(seen).to.deep.equal(['intact']);
    });

    it('serves no topic, and ends when told so', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      let seen = 0;
      const end = broker.observe(() => {
        seen += 1;
      });
      const answer = await new Promise<unknown>((resolve) => alice.request(message('nobody'), resolve));
      expect(answer).to.have.property('reason', 'TERABUS_NO_RESPONDERS');
      end();
      await alice.publish(message('news'));
      expect(seen).to.equal(1);
    });
  });

  describe('interrupt', () => {
    async function linked() {
      const broker = new MemoryBroker();
      const [alice, bob] = [broker.connect({ name: 'alice' }), broker.connect({ name: 'bob' })];
      const arrived: string[] = [];
      await log(bob, 'news', arrived);
      return { broker, clock: broker.clock as VirtualClock, alice, bob, arrived };
    }
    const reasonOf = (attempt: Promise<unknown>) =>
      attempt.then(
        () => 'done',
        (error: unknown) => (error as BusError).reason,
      );
    /** Asks, and keeps what comes of it: text, or the reason of the error. */
    function ask(transport: Transport, topic: string, outcomes: unknown[]): () => void {
      return transport.request(message(topic), (answer) => {
        outcomes.push(BusError.is(answer) ? answer.reason : text(answer));
      });
    }

    it('refuses what is published, asked, answered and subscribed to without a link', async () => {
      const { broker, alice, bob } = await linked();
      let replyTo = '';
      await bob.subscribe('echo', {}, (request) => {
        replyTo = request.replyTo ?? '';
      });
      const outcomes: unknown[] = [];
      ask(alice, 'echo', outcomes);
      await broker.idle();
      broker.interrupt();
      const attempts = [
        alice.publish(message('news')),
        alice.publish(message('news'), { confirm: true }),
        bob.respond(replyTo, message('').bytes),
        alice.subscribe('news', {}, () => {}),
        alice.flush(),
        alice.prepareRequests(),
      ];
      for (const attempt of attempts) expect(await reasonOf(attempt)).to.equal('TERABUS_DISCONNECTED');
      const inFlight = outcomes.length;
      ask(alice, 'echo', outcomes);
      expect(outcomes).to.have.length(inFlight);
      await broker.idle();
      expect(outcomes).to.deep.equal(['TERABUS_DISCONNECTED', 'TERABUS_DISCONNECTED']);
    });

    it('fails a request also when its answer is on the way, unless it was given up', async () => {
      const { broker, alice, bob } = await linked();
      await bob.subscribe('echo', {}, ({ replyTo = '' }) => {
        void bob.respond(replyTo, Buffer.from('answer'));
        broker.interrupt({ connection: 'alice' });
      });
      const outcomes: unknown[] = [];
      ask(alice, 'echo', outcomes);
      ask(alice, 'echo', outcomes)();
      await broker.idle();
      expect(outcomes).to.deep.equal(['TERABUS_DISCONNECTED']);
    });

    it('loses what was not delivered yet and says so to its publisher', async () => {
      const { broker, alice, arrived } = await linked();
      const unconfirmed: (string | undefined)[] = [];
      const onUnconfirmed = ({ reason }: BusError) => unconfirmed.push(reason);
      await alice.publish({ ...message('news', 'delivered'), onUnconfirmed });
      await broker.idle();
      await alice.publish({ ...message('news', 'lost'), onUnconfirmed });
      const confirming = alice.publish({ ...message('news', 'lost, too'), onUnconfirmed }, { confirm: true });
      broker.interrupt();
      expect(await reasonOf(confirming)).to.equal('TERABUS_UNCONFIRMED');
      broker.restore();
      await broker.idle();
      expect({ arrived, unconfirmed }).to.deep.equal({ arrived: ['delivered'], unconfirmed: ['TERABUS_UNCONFIRMED'] });
    });

    it('says so too when the broker goes away', async () => {
      const { broker, alice } = await linked();
      const unconfirmed: (string | undefined)[] = [];
      await alice.publish({ ...message('news'), onUnconfirmed: ({ reason }) => unconfirmed.push(reason) });
      await broker.close();
      expect(unconfirmed).to.deep.equal(['TERABUS_UNCONFIRMED']);
    });

    it('confirms what the others could get', async () => {
      const { broker, alice, arrived } = await linked();
      const confirmed = alice.publish(message('news', 'a'), { confirm: true }).then(() => arrived.push('confirmed'));
      await Promise.all([confirmed, broker.idle()]);
      expect(arrived).to.deep.equal(['a', 'confirmed']);
    });

    it('lets nothing reach its receivers meanwhile, and nobody waits for those that are not there', async () => {
      const { broker, alice, arrived } = await linked();
      const unconfirmed: unknown[] = [];
      await alice.publish({ ...message('news', 'on the way'), onUnconfirmed: (error) => unconfirmed.push(error) });
      broker.interrupt({ connection: 'bob' });
      await alice.publish(message('news', 'meanwhile'));
      const outcomes: unknown[] = [];
      ask(alice, 'news', outcomes);
      await broker.idle();
      broker.restore({ connection: 'bob' });
      await alice.publish(message('news', 'afterwards'));
      await broker.idle();
      expect({ arrived, outcomes, unconfirmed }).to.deep.equal({
        arrived: ['afterwards'],
        outcomes: ['TERABUS_NO_RESPONDERS'],
        unconfirmed: [],
      });
    });

    it('does not bring back a subscription that was ended meanwhile', async () => {
      const { broker, alice, bob } = await linked();
      const late: string[] = [];
      const subscription = await bob.subscribe('late', {}, (received) => late.push(text(received)));
      broker.interrupt({ connection: 'bob' });
      await subscription.drain();
      broker.restore();
      await alice.publish(message('late'));
      await broker.idle();
      expect(late).to.deep.equal([]);
    });

    it('shows in the health of the connection, and is told to those who watch', async () => {
      const { broker, clock, alice } = await linked();
      const events: unknown[] = [];
      alice.watch(() => {
        throw new Error('a log that fails');
      });
      alice.watch(async () => {
        throw new Error('a log that fails later');
      });
      const unwatch = alice.watch((event) => events.push(event));
      await alice.publish(message('news', 'four'));
      expect(alice.health()).to.include({ state: 'up' });
      expect(alice.health().unconfirmed).to.deep.equal({ messages: 1, bytes: 4 });
      const error = new BusError('a cable was cut', { reason: 'TERABUS_DISCONNECTED' });
      broker.interrupt({ error });
      broker.interrupt();
      expect(alice.health()).to.deep.include({ state: 'down', problems: [error] });
      await clock.advance(1_500);
      broker.restore();
      broker.restore();
      expect(alice.health()).to.deep.include({ state: 'up', problems: [] });
      unwatch();
      broker.interrupt();
      expect(events).to.deep.equal([
        { kind: 'disconnected', server: 'memory', error, unconfirmed: 1 },
        { kind: 'reconnected', server: 'memory', downMs: 1_500 },
      ]);
    });

    it('does not keep a connection from being closed', async () => {
      const { broker, alice } = await linked();
      broker.interrupt();
      await alice.close();
      broker.restore();
      expect(alice.health().state).to.equal('closed');
      expect(await reasonOf(alice.publish(message('news')))).to.equal('TERABUS_CLOSED');
    });
  });

  describe('close', () => {
    it('ends every connection with the reason, as a server that goes away', async () => {
      const broker = new MemoryBroker();
      const [alice, bob] = [broker.connect(), broker.connect()];
      await bob.subscribe('echo', {}, () => {});
      const answer = new Promise<unknown>((resolve) => alice.request(message('echo'), resolve));
      await broker.idle();
      const reason = new BusError('the broker is gone', { reason: 'TERABUS_CLOSED' });
      await broker.close(reason);
      expect(await Promise.all([alice.closed, bob.closed, answer])).to.deep.equal([reason, reason, reason]);
    });

    it('loses what is queued', async () => {
      const broker = new MemoryBroker();
      const alice = broker.connect();
      const arrived: string[] = [];
      await log(alice, 'news', arrived);
      await alice.publish(message('news'));
      await broker.close();
      expect(arrived).to.deep.equal([]);
    });

    it('leaves the broker ready for new connections', async () => {
      const broker = new MemoryBroker();
      broker.connect();
      await broker.close();
      const arrived: string[] = [];
      const alice = broker.connect();
      await log(alice, 'news', arrived);
      await alice.publish(message('news', 'again'));
      await broker.idle();
      expect(arrived).to.deep.equal(['again']);
    });
  });
});
