import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { checkHeaders, headersSize } from './headers.js';

/** The block as NATS' ADR-4 has it. */
function block(headers: ReadonlyMap<string, string>): string {
  return `NATS/1.0\r\n${[...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const name = fc.string({ minLength: 1, unit: 'grapheme-ascii' }).filter((text) => !/[ :]/.test(text));
const value = fc.string({ unit: 'binary' }).filter((text) => text.trim() === text && !/[\r\n]/.test(text));
const headers = fc.array(fc.tuple(name, value), { minLength: 1 }).map((entries) => new Map(entries));

describe('headersSize', () => {
  it('is 0 without headers, which have no block', () => {
    expect([headersSize(undefined), headersSize(new Map())]).to.deep.equal([0, 0]);
  });

  it('is the length of the block on the wire', () => {
    fc.assert(fc.property(headers, (map) => headersSize(map) === Buffer.byteLength(block(map))));
  });
});

describe('checkHeaders', () => {
  it('takes whatever a reader of the wire gets back as it was', () => {
    fc.assert(
      fc.property(headers, (map) => {
        checkHeaders(map);
        const lines = block(map).split('\r\n').slice(1, -2);
        const read = lines
          .map((line) => /^([^:]*):(.*)$/su.exec(line))
          .map((parts) => [parts?.[1], parts?.[2]?.trim()]);
        expect(new Map(read as [string, string][])).to.deep.equal(map);
      }),
    );
  });

  it('refuses what would arrive as something else', () => {
    for (const [badName, badValue] of [
      ['', ''],
      ['a b', ''],
      ['a:', ''],
      ['a\n', ''],
      ['a', '\r\nb: c'],
      ['a', 'b '],
      ['a', '\u00a0b'],
      ['a', '\ud83d'],
    ] as const) {
      expect(() => checkHeaders(new Map([[badName, badValue]])), JSON.stringify([badName, badValue]))
        .to.throw()
        .with.property('reason', 'TERABUS_HEADER_INVALID');
    }
  });
});
