import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MessageIds } from './message-ids.js';

describe('the message ids of a stream', () => {
  it('are known for the window, each from its own beginning', () => {
    const ids = new MessageIds();
    const known = (id: string, elapsedMs: number) => ids.get(id, elapsedMs, 100);
    ids.add('early', 1, 0);
    ids.add('late', 2, 60);
    expect([known('early', 99), known('late', 99), known('other', 99)]).to.deep.equal([1, 2, undefined]);
    expect([known('early', 100), known('late', 159), known('late', 160)]).to.deep.equal([undefined, 2, undefined]);
    ids.add('early', 3, 170);
    expect(known('early', 269)).to.equal(3);
  });
});
