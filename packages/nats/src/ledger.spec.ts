import { VirtualClock } from '@terabus/core/memory';
import type { BusError } from '@terabus/core/transport';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { disconnectedError } from './errors.js';
import { Ledger } from './ledger.js';
import type { Link } from './link.js';

describe('what is on its way', () => {
  let clock: VirtualClock;
  let pings: (() => void)[];
  let passed: string[];
  let ledger: Ledger;
  let reported: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    [pings, passed, reported] = [[], [], []];
    const link = { ping: (answered: () => void) => pings.push(answered) } as unknown as Link;
    ledger = new Ledger(link, clock, { passed: (subject) => passed.push(subject), progressed: () => {} });
  });

  const note = (name: string, subject = 'a', known = true) =>
    ledger.add(10, true, {
      ...{ subject, known },
      onUnconfirmed: ({ reason }: BusError) => reported.push(`${name} ${reason?.replace('TERABUS_', '')}`),
    });

  it('is covered by a PING after 50 ms, or 64 KiB', async () => {
    note('1');
    note('2');
    await clock.advance(49);
    expect(pings).to.have.length(0);
    await clock.advance(1);
    expect(pings).to.have.length(1);
    ledger.add(65_536, true);
    expect(pings).to.have.length(2);
    await clock.advance(1_000);
    expect(pings).to.have.length(2);
  });

  it('is covered at once where somebody waits, with one PING for a tick', async () => {
    for (let i = 0; i < 10; i += 1) ledger.add(10, true, { subject: 'a', known: false }, true);
    await clock.advance(0);
    expect(pings).to.have.length(1);
  });

  it('is no more than what no PONG has covered', () => {
    note('1');
    ledger.ping();
    note('2');
    ledger.ping();
    note('3');
    expect([ledger.messages, ledger.bytes]).to.deep.equal([3, 30]);
    pings[0]?.();
    expect([ledger.messages, ledger.bytes]).to.deep.equal([2, 20]);

    expect(ledger.end(disconnectedError())).to.equal(2);
    expect(reported).to.deep.equal(['2 UNCONFIRMED', '3 UNCONFIRMED']);
    expect([ledger.messages, ledger.bytes]).to.deep.equal([0, 0]);
    pings[1]?.();
    expect(reported).to.have.length(2);
  });

  it('is refused by the PONG that follows, and no other', () => {
    note('1', 'a');
    note('2', 'b');
    ledger.ping();
    note('3', 'a');
    ledger.ping();
    ledger.refuse('a');
    pings[0]?.();
    pings[1]?.();
    expect(reported).to.deep.equal(['1 NATS_FORBIDDEN']);
    expect(passed).to.deep.equal(['b', 'a']);
  });

  it('is refused from the end where the subject was granted before, from the start where it was not', () => {
    for (const known of [true, false]) for (const n of [1, 2, 3]) note(`${known} ${n}`, `${known}`, known);
    ledger.refuse('true');
    ledger.refuse('false');
    expect(pings).to.have.length(1);
    pings[0]?.();
    expect(reported).to.have.members(['true 3 NATS_FORBIDDEN', 'false 1 NATS_FORBIDDEN']);
  });

  it('does not make a subject granted again that was taken away behind it, but one that was granted behind it', () => {
    for (const known of [true, false]) for (const n of [1, 2]) note(`${n}`, `${known}`, known);
    ledger.refuse('true');
    ledger.refuse('false');
    pings[0]?.();
    expect(passed).to.deep.equal(['false']);
  });

  it('tells everybody, also behind one who throws', () => {
    const boom = () => {
      throw new Error('on purpose');
    };
    ledger.add(1, true, { subject: 'a', known: true, onUnconfirmed: boom });
    note('2');
    ledger.end(disconnectedError());
    expect(reported).to.deep.equal(['2 UNCONFIRMED']);
  });
});
