import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { Inbound } from '../transport/transport.js';
import { Gate } from './gate.js';

describe('the gate of an instance that takes over', () => {
  let now: number;
  let gate: Gate;
  let delivered: string[];
  let overflown: string[];
  let deliver: (inbound: Inbound) => void;
  const inbound = (topic: string, size = 0, header = ''): Inbound => ({
    topic,
    bytes: new Uint8Array(size),
    headers: new Map(header === '' ? [] : [['X-Header', header]]),
  });

  beforeEach(() => {
    [now, delivered, overflown] = [0, [], []];
    gate = new Gate({ elapsed: () => now, now: () => now, setTimer: () => ({ cancel() {} }) });
    deliver = gate.through({
      deliver: ({ topic }, arrivedAt) => delivered.push(arrivedAt === undefined ? topic : `${topic} of ${arrivedAt}`),
      overflow: ({ topic }, why) => overflown.push(`${topic} ${why}`),
    });
  });

  it('holds what comes, and hands it on in order, as of when it came, with the mark in its place', () => {
    deliver(inbound('1'));
    now = 7;
    gate.mark();
    deliver(inbound('2'));
    gate.mark();
    expect([gate.held, delivered]).to.deep.equal([2, []]);
    gate.open(() => delivered.push('mark'));
    deliver(inbound('3'));
    expect([gate.held, delivered]).to.deep.equal([0, ['1 of 0', 'mark', '2 of 7', '3']]);
  });

  it('holds so many messages and no more, and says of each other that there is no room', () => {
    for (let n = 0; n < 10_002; n++) deliver(inbound(`${n}`));
    expect([gate.held, overflown]).to.deep.equal([10_000, ['10000 maxQueued', '10001 maxQueued']]);
    gate.open(() => {});
    expect(delivered).to.deep.equal(Array.from({ length: 10_000 }, (_, n) => `${n} of 0`));
  });

  it('holds so many bytes and no more, those of headers too, and again as many when it was open', () => {
    const header = 'h'.repeat(2 ** 20);
    for (let round = 1; round <= 2; round++) {
      for (let n = 0; n < 65; n++) deliver(n % 16 ? inbound(`${n}`, 2 ** 20) : inbound(`${n}`, 0, header));
      expect([gate.held, overflown.length]).to.deep.equal([64, round]);
      gate.open(() => {});
      gate.close();
    }
    expect(delivered).to.have.length(128);
    expect(overflown[0]).to.equal('64 maxQueuedBytes');
  });
});
