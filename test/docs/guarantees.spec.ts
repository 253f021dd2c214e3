import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { read, tableRows } from './support.js';

const root = new URL('../../../', import.meta.url);
const page = read('docs/guarantees.md');
const promises = tableRows(page.slice(0, page.indexOf('## What is not promised'))).filter(
  ([name]) => name !== 'promise',
);

/** The tests that a cell names. */
const shownBy = (cell = '') =>
  [...cell.matchAll(/\[([^\]]+)\]\(\.\.\/([^)]+)\)/g)].map(([, title = '', path = '']) => ({ title, path }));

describe('docs/guarantees.md', () => {
  it('shows each promise by tests that are there, under their titles', () => {
    const gone = promises
      .flatMap(([, cell]) => shownBy(cell))
      .filter(({ title, path }) => !existsSync(new URL(path, root)) || !titlesIn(read(path)).has(title));
    expect(gone).to.deep.equal([]);
  });

  it('has no promise that nothing shows', () => {
    expect(promises).to.have.length.above(30);
    expect(promises.filter(([, cell]) => shownBy(cell).length === 0)).to.deep.equal([]);
  });

  it('says what is not promised, and what to do', () => {
    const rows = tableRows(page.slice(page.indexOf('## What is not promised')));
    expect(rows.length).to.be.above(5);
    expect(rows.filter(([, why = '']) => why.length < 10)).to.deep.equal([]);
    for (const words of ['sync_interval: always', 'majority', 'transaction']) expect(page).to.contain(words);
  });

  it('is what the README leads to', () => {
    expect(read('README.md')).to.contain('(docs/guarantees.md)');
  });
});

/** The texts that are whole literals of a source file: titles of tests and figures. */
const titlesIn = (source: string): Set<string> =>
  new Set([...source.matchAll(/(['"`])((?:\\.|(?!\1).)+)\1/g)].map(([, , text = '']) => text.replace(/\\(.)/g, '$1')));
