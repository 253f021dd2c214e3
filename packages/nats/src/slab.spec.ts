import { expect } from 'chai';
import { describe, it } from 'mocha';
import { copied } from './slab.js';

describe('a copy beside others', () => {
  it('stays what it was, whatever becomes of its original and of those beside it', () => {
    const original = new Uint8Array(1_000);
    const copies = Array.from({ length: 50 }, (_, n) => {
      original.fill(n);
      return copied(original);
    });
    copies[7]?.fill(99);
    expect(copies.map((copy) => [...new Set(copy)])).to.deep.equal(copies.map((_, n) => [n === 7 ? 99 : n]));
    expect(Math.max(...copies.map(({ buffer }) => buffer.byteLength))).to.equal(8_192);
  });

  it('has memory of its own where it is large', () => {
    expect(copied(new Uint8Array(3_000)).buffer.byteLength).to.equal(3_000);
  });

  it('can not be moved to another thread together with others', () => {
    const [copy, other] = [copied(new Uint8Array(10)), copied(new Uint8Array(10))];
    const { port1 } = new MessageChannel();
    try {
      // Some releases of Node throw, others leave what is listed where it is.
      port1.postMessage(copy, [copy.buffer as ArrayBuffer]);
    } catch (error) {
      expect(error).to.have.property('name', 'DataCloneError');
    }
    port1.close();
    expect([copy.length, other.length]).to.deep.equal([10, 10]);
  });
});
