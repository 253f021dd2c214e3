import { VirtualClock } from '@terabus/core/memory';
import { BusError, type TransportEvent } from '@terabus/core/transport';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { Connection } from './connection.js';
import type { Dial, Link, LinkListener } from './link.js';
import { checkNatsOptions } from './options.js';

/** A link to nowhere: PINGs are answered when, and as long as, it is told so. */
class FakeLink implements Link {
  readonly server = 'nats://fake:1';
  readonly maxPayloadBytes = 1_000;
  readonly peers = [];
  readonly sent: string[] = [];
  receivedBytes = 0;
  readonly outgoing = { unsentBytes: 0, takenBytes: 0 };
  open = true;
  answering = true;
  #pings: (() => void)[] = [];
  #subscriptions = 0;

  constructor(readonly listener: LinkListener) {}

  publish(subject: string): void {
    this.sent.push(`PUB ${subject}`);
  }

  subscribe(subject: string) {
    this.sent.push(`SUB ${subject}`);
    this.#subscriptions += 1;
    return { id: this.#subscriptions, end: () => {} };
  }

  ping(answered: () => void): void {
    this.sent.push('PING');
    this.#pings.push(answered);
    if (this.answering) queueMicrotask(() => this.answer());
  }

  answer(): void {
    for (const answered of this.#pings.splice(0)) answered();
  }

  destroy(): void {
    this.open = false;
  }
}

const refused = () => new BusError('no', { reason: 'TERABUS_NATS_UNAUTHENTICATED' });

describe('a connection', () => {
  let clock: VirtualClock;
  let links: FakeLink[];
  let dialledAt: number[];
  let events: TransportEvent[];
  let fail: (() => BusError) | undefined;
  let mute: boolean;
  let connection: Connection;

  beforeEach(async () => {
    clock = new VirtualClock();
    [links, dialledAt, events, fail, mute] = [[], [], [], undefined, false];
    connection = new Connection(
      checkNatsOptions({ clock }),
      async (_, listener) => {
        dialledAt.push(clock.elapsed());
        if (fail) throw fail();
        const link = new FakeLink(listener);
        link.answering = !mute;
        links.push(link);
        return link;
      },
      { emit: (event) => events.push(event), lost: () => {}, attached: () => {} },
    );
    await connection.open();
  });

  const latest = () => links.at(-1) as FakeLink;
  const kinds = () => events.map(({ kind }) => kind);
  const lose = () => latest().listener.ended(new BusError('gone', { reason: 'TERABUS_NATS_ERROR' }));

  it('pings every 1.5 s, and keeps a link that answers', async () => {
    const { sent } = latest();
    await clock.advance(60_000);
    expect(sent).to.deep.equal(Array(42).fill('PING')); // one for what was to be renewed, one at once, 40 after that
    expect(kinds()).to.deep.equal([]);
    connection.close();
  });

  it('gives a link up when a ping stays without an answer for two more ticks: 4.5 s after the last one', async () => {
    await clock.advance(1_500);
    latest().answering = false;
    await clock.advance(4_499);
    expect(kinds()).to.deep.equal([]);
    await clock.advance(1);
    expect(kinds()).to.deep.equal(['disconnected']);
    expect(links[0]?.open).to.equal(false);
    connection.close();
  });

  it('keeps a link whose answers are late, as they are for a process that stood still', async () => {
    latest().answering = false;
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(2_900);
      latest().answer();
    }
    expect(kinds()).to.deep.equal([]);
    connection.close();
  });

  it('keeps a link as long as much comes in front of the answer, for 30 s', async () => {
    const flood = async (ticks: number) => {
      for (let i = 0; i < ticks; i += 1) {
        latest().receivedBytes += 16_384;
        await clock.advance(1_500);
      }
    };
    latest().answering = false;
    await flood(20);
    latest().answer();
    await flood(19);
    expect(kinds()).to.deep.equal([]);
    await flood(2);
    expect(kinds()).to.deep.equal(['disconnected']);
    connection.close();
  });

  it('keeps a link as long as much goes out in front of the ping, and none that only the system takes from it', async () => {
    const send = async (ticks: number, unsent: number) => {
      for (let i = 0; i < ticks; i += 1) {
        latest().outgoing.unsentBytes = unsent;
        latest().outgoing.takenBytes += 16_384;
        await clock.advance(1_500);
      }
    };
    latest().answering = false;
    await send(19, 1);
    latest().answer();
    expect(kinds()).to.deep.equal([]);
    await send(3, 0);
    expect(kinds()).to.deep.equal(['disconnected']);
    connection.close();
  });

  it('gives a link up in time that is dead in one direction and still carries some messages', async () => {
    latest().answering = false;
    for (let i = 0; i < 3; i += 1) {
      latest().receivedBytes += 16_383;
      await clock.advance(1_500);
    }
    expect(kinds()).to.deep.equal(['disconnected']);
    connection.close();
  });

  it('dials again for ever, with waits that grow from 100 ms to 1 s and differ', async () => {
    fail = () => new BusError('refused', { reason: 'TERABUS_NATS_ERROR' });
    lose();
    const start = clock.elapsed();
    await clock.advance(3_600_000);
    const times = dialledAt.slice(1).map((time) => time - start);
    const waits = times.map((time, i) => time - (times[i - 1] ?? 0));
    expect(waits[0]).to.be.within(50, 150);
    expect(Math.min(...waits.slice(1))).to.be.at.least(100);
    expect(Math.round(Math.max(...waits))).to.be.at.most(1_000);
    expect(new Set(waits).size).to.be.greaterThan(waits.length / 3);
    expect(waits.length).to.be.at.least(3_600);

    fail = undefined;
    await clock.advance(1_000);
    expect(kinds()).to.deep.equal(['disconnected', 'reconnected']);
    connection.close();
  });

  it('waits longer after a link that was none', async () => {
    for (let i = 0; i < 20; i += 1) {
      lose();
      await clock.advance(1_000);
      if (connection.state === 'up') lose();
    }
    const waits = dialledAt.map((time, i) => time - (dialledAt[i - 1] ?? 0)).slice(1);
    expect(waits.reduce((sum, wait) => sum + wait) / waits.length).to.be.greaterThan(200);
    connection.close();
  });

  it('makes all subscriptions on a new link before it is used', async () => {
    connection.subscriptions.add('a', undefined, () => {});
    connection.subscriptions.add('b', 'queue', () => {});
    const gone = connection.subscriptions.add('c', undefined, () => {});
    await clock.advance(10);
    void gone.drain();
    lose();
    const published = connection.outbox.publish({ subject: 'x', bytes: new Uint8Array(), confirm: false });
    await clock.advance(1_000);
    await published;
    expect(latest().sent.slice(0, 4)).to.deep.equal(['SUB a', 'SUB b', 'PING', 'PING']);
    expect(latest().sent.slice(4)).to.include('PUB x');
    connection.close();
  });

  it('takes a server that answers no subscription for none', async () => {
    mute = true;
    lose();
    await clock.advance(200);
    const silent = latest();
    expect([links.length, silent.open]).to.deep.equal([2, true]);
    mute = false;
    await clock.advance(4_000);
    expect([silent.open, kinds()]).to.deep.equal([false, ['disconnected', 'reconnected']]);
    connection.close();
  });

  it('makes two refused logins a problem, and the next accepted one its end', async () => {
    fail = refused;
    lose();
    await clock.advance(150);
    expect(kinds()).to.deep.equal(['disconnected']);
    await clock.advance(10_000);
    expect(kinds()).to.deep.equal(['disconnected', 'problem']);
    expect(connection.problems.map(({ reason }) => reason)).to.deep.equal([
      'TERABUS_DISCONNECTED',
      'TERABUS_NATS_UNAUTHENTICATED',
    ]);
    fail = undefined;
    await clock.advance(1_000);
    expect(kinds().slice(2)).to.deep.equal(['solved', 'reconnected']);
    expect(connection.problems).to.deep.equal([]);
    connection.close();
  });

  it('says why no server let it in, and not that time ran out in the last try, whose timer may come early', async () => {
    const dial: Dial = async (_server, _listener, _signal, timeoutMs) => {
      if (timeoutMs > 100) throw new BusError('no TLS here', { reason: 'TERABUS_NATS_ERROR' });
      await new Promise<void>((resolve) => clock.setTimer(timeoutMs - 1.9, resolve));
      throw new BusError('not in time', { reason: 'TERABUS_NATS_ERROR' });
    };
    const never = { emit: () => {}, lost: () => {}, attached: () => {} };
    const opening = new Connection(checkNatsOptions({ clock, connectTimeoutMs: 250 }), dial, never).open();
    const error = opening.catch((thrown: BusError) => thrown);
    await clock.advance(250);
    expect(await error)
      .to.have.property('rawMessage')
      .that.matches(/within 250 ms: no TLS here$/);
    connection.close();
  });

  it('leaves no timer behind', async () => {
    void connection.outbox.publish({ subject: 'x', bytes: new Uint8Array(), confirm: false });
    lose();
    connection.outbox.publish({ subject: 'x', bytes: new Uint8Array(), confirm: false }).catch(() => {});
    connection.close();
    expect(clock.pendingTimers).to.equal(0);
  });
});
