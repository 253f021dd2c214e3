import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fromKey, toKey } from './keys.js';

/** What NATS' own clients take, and what a subject can have. */
const VALID = /^[-/_=A-Za-z0-9]+(?:\.[-/_=A-Za-z0-9]+)*$/;

const texts = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom('.', '=', 'a', '2', 'E', 'h', ' ', '*', '>', 'ä'),
      minLength: 1,
      maxLength: 300,
    }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
  )
  .filter((text) => text.isWellFormed());

describe('keys at the server', () => {
  it('are what they are where NATS takes them', () => {
    for (const key of ['a', 'a.b', '01J-x_y/z', 'A.B.c']) expect(toKey(key).name).to.equal(key);
  });

  it('are valid, whatever the text, and read back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { name, whole } = toKey(text);
        expect(name).to.match(VALID).and.have.length.at.most(170);
        expect(fromKey(whole ?? name)).to.equal(text);
        if (whole !== undefined) expect(fromKey(name)).to.equal(undefined);
      }),
    );
  });

  it('differ where the texts differ, also in what is too long to be seen', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(toKey(a).name === toKey(b).name).to.equal(a === b);
      }),
    );
    const long = 'x'.repeat(500);
    expect(toKey(`${long}a`).name).to.not.equal(toKey(`${long}b`).name);
  });
});
