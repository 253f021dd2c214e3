import { readdirSync } from 'node:fs';
import { codes, reasons } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { read, tableRows } from './support.js';

const root = new URL('../../../', import.meta.url);

const rows = tableRows(read('docs/errors.md')).filter(([name = '']) => /^[A-Z_]+$/.test(name));

/** The sources of all packages but their specs and the table of reasons itself. */
function sources(): string {
  const folders = readdirSync(new URL('packages/', root)).map((name) => `packages/${name}/src/`);
  const paths = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((path) => folder + path),
  );
  return paths
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('errors/reasons.ts'))
    .map(read)
    .join('\n');
}

describe('docs/errors.md', () => {
  it('has every code, with its sentence and whether to try again, and no other', () => {
    const written = rows.filter(([name = '']) => !name.startsWith('TERABUS_'));
    expect(written).to.deep.equal(
      Object.entries(codes).map(([code, { retryable, sentence }]) => [code, retryable ? 'yes' : 'no', sentence]),
    );
  });

  it('has every reason, with its code and sentence, and no other', () => {
    const written = rows.filter(([name = '']) => name.startsWith('TERABUS_')).map((cells) => cells.slice(0, 3));
    const defined = Object.entries(reasons).map(([reason, { code, sentence }]) => [reason, code, sentence]);
    expect(new Set(written.map(String))).to.deep.equal(new Set(defined.map(String)));
    expect(written).to.have.length(defined.length);
  });

  it('says of every reason what to do', () => {
    const silent = rows.filter(([name = '', , , toDo = '']) => name.startsWith('TERABUS_') && !/^\S.+\.$/.test(toDo));
    expect(silent).to.deep.equal([]);
  });

  it('has no reason that nothing gives', () => {
    const code = sources();
    expect(Object.keys(reasons).filter((reason) => !code.includes(`'${reason}'`))).to.deep.equal([]);
  });
});
