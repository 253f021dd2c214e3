import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Reporter } from '../observe/reporter.js';
import type { Inbound } from '../transport/transport.js';
import { Gate } from './gate.js';

describe('the gate of an instance that takes over', () => {
  const inbound = (topic: string, size = 0): Inbound => ({ topic, bytes: new Uint8Array(size), headers: new Map() });
  function gate() {
    const reports: string[] = [];
    const delivered: string[] = [];
    const reporter = { report: (_: string, { reason }: { reason?: string }) => reports.push(reason ?? '') };
    const made = new Gate('module.Solo', reporter as unknown as Reporter);
    const deliver = made.through(({ topic }) => delivered.push(topic));
    return { gate: made, deliver, delivered, reports };
  }

  it('holds what comes, and hands it on in order with the mark in its place', () => {
    const { gate: closed, deliver, delivered } = gate();
    deliver(inbound('1'));
    closed.mark();
    deliver(inbound('2'));
    closed.mark();
    expect([closed.held, delivered]).to.deep.equal([2, []]);
    closed.open(() => delivered.push('mark'));
    deliver(inbound('3'));
    expect([closed.held, delivered]).to.deep.equal([0, ['1', 'mark', '2', '3']]);
  });

  it('holds so many messages and no more, and says so', () => {
    const { gate: closed, deliver, delivered, reports } = gate();
    for (let n = 0; n < 10_002; n++) deliver(inbound(`${n}`));
    expect([closed.held, reports]).to.deep.equal([10_000, ['TERABUS_OVERLOADED', 'TERABUS_OVERLOADED']]);
    closed.open(() => {});
    expect(delivered).to.deep.equal(Array.from({ length: 10_000 }, (_, n) => `${n}`));
  });

  it('holds so many bytes and no more, and again as many when it was open', () => {
    const { gate: closed, deliver, delivered, reports } = gate();
    for (let round = 1; round <= 2; round++) {
      for (let n = 0; n < 65; n++) deliver(inbound(`${n}`, 2 ** 20));
      expect([closed.held, reports.length]).to.deep.equal([64, round]);
      closed.open(() => {});
      closed.close();
    }
    expect(delivered).to.have.length(128);
  });
});
