import { existsSync, readdirSync } from 'node:fs';
import { EXIT, hostEnvironment, hostOptionsFromEnv } from '@terabus/core';
import { natsEnvironment, natsOptionsFromEnv } from '@terabus/nats';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { codeAt, codeBlocks, read, tableRows } from './support.js';

const root = new URL('../../../', import.meta.url);
const readme = read('README.md');
const pages = ['README.md', 'CONTRIBUTING.md', ...pagesIn('docs'), ...pagesIn('packages'), ...pagesIn('examples')];

for (const page of ['README.md', 'packages/testing/README.md']) {
  describe(`the code in ${page}`, () => {
    const blocks = codeBlocks(read(page));

    it('is all taken from files that are compiled', () => {
      expect(blocks).to.have.length.above(0);
      expect(blocks.filter(({ source }) => source === undefined)).to.deep.equal([]);
    });

    for (const { source, code } of blocks) {
      if (source === undefined) continue;
      it(`is that of ${source}`, () => {
        expect(code).to.equal(codeAt(source));
      });
    }
  });
}

describe('the tables in README.md', () => {
  const rows = tableRows(readme);

  it('have every environment variable, with the option that it sets', () => {
    const variables = rows.filter(([name = '']) => /^(NATS|TERABUS)_[A-Z_]+$/.test(name));
    expect(variables.map(([name]) => name)).to.have.members([...natsEnvironment, ...hostEnvironment]);
    for (const [name = '', option = '', example = ''] of variables) {
      const env = { [name]: example };
      expect(paths({ ...natsOptionsFromEnv(env), ...hostOptionsFromEnv(env) }), name).to.deep.equal([option]);
    }
  });

  it('have every exit code', () => {
    const codes = rows.map(([code]) => code).filter((code) => /^\d+$/.test(code ?? ''));
    expect(codes.map(Number)).to.have.members(Object.values(EXIT));
  });
});

describe('the links of all pages', () => {
  it('lead to files that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .filter(([, link = '']) => !existsSync(new URL(link, new URL(page, root))))
        .map(([, link]) => `${page}: ${link}`),
    );
    expect(pages).to.include.members(['docs/errors.md', 'packages/core/README.md']);
    expect(broken).to.deep.equal([]);
  });
});

function pagesIn(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !/(^|\/)node_modules\//.test(path))
    .map((path) => `${folder}/${path}`);
}

/** The names of the values in an object, `a` or `a.b`. */
function paths(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? paths(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  );
}
