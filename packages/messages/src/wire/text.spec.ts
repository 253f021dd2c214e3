import { expect } from 'chai';
import { describe, it } from 'mocha';
import type * as TextModule from './text.js';

/** The module as browsers load it, which have no Buffer. */
async function withoutBuffer(): Promise<typeof TextModule> {
  const { Buffer: kept } = globalThis;
  try {
    (globalThis as { Buffer?: unknown }).Buffer = undefined;
    const another = './text.js?without-buffer';
    return (await import(another)) as typeof TextModule;
  } finally {
    globalThis.Buffer = kept;
  }
}

const texts = [
  '',
  'a',
  'x'.repeat(95),
  'x'.repeat(96),
  'x'.repeat(97),
  'x'.repeat(300),
  'é',
  `${'x'.repeat(80)}é`,
  '€🩺\0',
];
const invalid = [[0xc3], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0x78, 0xe9], [0xf4, 0x90, 0x80, 0x80]];

for (const [where, load] of [
  ['in Node', () => import('./text.js')],
  ['without a Buffer', withoutBuffer],
] as const) {
  describe(`texts ${where}`, () => {
    it('are those in their bytes, wherever they stand in an input of any size', async () => {
      const { Texts } = await load();
      const reader = new Texts();
      for (const text of texts) {
        for (const around of [0, 3, 120, 300]) {
          const bytes = new TextEncoder().encode(text);
          const input = new Uint8Array(bytes.length + 2 * around).fill(0xe9);
          input.set(bytes, around);
          reader.forget();
          expect(reader.read(input, around, around + bytes.length)).to.equal(text);
          for (const bad of invalid) {
            input.set(bad.slice(0, around), 0);
            if (around > bad.length) expect(() => reader.read(input, 0, bad.length)).to.throw(TypeError);
          }
        }
      }
    });

    it('are not those of the input before', async () => {
      const { Texts } = await load();
      const reader = new Texts();
      for (const byte of [97, 98]) {
        reader.forget();
        expect(reader.read(Uint8Array.of(byte), 0, 1)).to.equal(String.fromCharCode(byte));
      }
    });

    it('are read as they are, whatever was read in their place before', async () => {
      const { RecentText } = await load();
      const recent = new RecentText();
      const input = (text: string) => new TextEncoder().encode(`<${text}>`);
      for (const text of [...texts, 'b', 'a', 'a', '£', 'é', 'é', '', 'x'.repeat(95), `y${'x'.repeat(94)}`]) {
        const bytes = input(text);
        expect(recent.read(bytes, 1, bytes.length - 1)).to.equal(text);
        for (const bad of invalid) expect(() => recent.read(Uint8Array.from(bad), 0, bad.length)).to.throw(TypeError);
      }
    });

    it('are known again by their bytes', async () => {
      const { isText } = await load();
      const bytes = new TextEncoder().encode('<ward.7>');
      expect(isText('ward.7', bytes, 1, 7)).to.equal(true);
      for (const other of ['ward.8', 'Ward.7', 'ward.', 'ward.77', '']) {
        expect(isText(other, bytes, 1, 7), other).to.equal(false);
      }
      // One byte that is no character, as large as that of the text.
      expect(isText('\u00e9', Uint8Array.of(0xe9), 0, 1)).to.equal(false);
    });

    it('are written up to the last character that fits', async () => {
      const { writeText } = await load();
      const bytes = new Uint8Array(10).fill(1);
      expect(writeText('aé🩺', bytes, 2, 6)).to.equal(3);
      expect([...bytes]).to.deep.equal([1, 1, 97, 0xc3, 0xa9, 1, 1, 1, 1, 1]);
      expect(writeText('aé🩺', bytes, 2, 7)).to.equal(7);
    });
  });
}
