import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import { EXIT, hostEnvironment, hostOptionsFromEnv } from '@terabus/core';
import { reasons } from '@terabus/messages';
import { natsEnvironment, natsOptionsFromEnv } from '@terabus/nats';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { codeAt, codeBlocks, read, tableRows } from './support.js';

const root = new URL('../../../', import.meta.url);
const readme = read('README.md');
const pages = ['README.md', 'CONTRIBUTING.md', ...pagesIn('docs'), ...pagesIn('packages'), ...pagesIn('examples')];

/** What tests and scripts of the project read. */
const ofTheProject = [
  'TERABUS_NATS_SERVER',
  'TERABUS_POSTGRES',
  'TERABUS_SEED',
  'TERABUS_TMP',
  'TERABUS_FUZZ_SEED',
  'TERABUS_FUZZ_RUNS',
];

const held = [
  'README.md',
  'packages/testing/README.md',
  'packages/sql/README.md',
  'docs/errors.md',
  'docs/promises.md',
  'docs/operating.md',
];

for (const page of held) {
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

describe('all pages', () => {
  it('link to files and chapters that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
        .map(([, path = '', chapter]) => ({ path: path === '' ? page : join(dirname(page), path), chapter }))
        .filter(({ path, chapter }) => !existsSync(new URL(path, root)) || !hasChapter(path, chapter))
        .map(({ path, chapter }) => `${page}: ${path} ${chapter ?? ''}`),
    );
    expect(pages).to.include.members(['docs/errors.md', 'packages/core/README.md']);
    expect(broken).to.deep.equal([]);
  });

  it('name no reason and no variable that there is not', () => {
    const known = new Set<string>([...Object.keys(reasons), ...natsEnvironment, ...hostEnvironment, ...ofTheProject]);
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/\bTERABUS_[A-Z0-9_]*[A-Z0-9]\b/g)]
        .filter(([name]) => !known.has(name))
        .map(([name]) => `${page}: ${name}`),
    );
    expect(unknown).to.deep.equal([]);
  });
});

describe('docs/decisions/README.md', () => {
  it('lists every decision by its title', () => {
    const files = pages.filter((page) => /^docs\/decisions\/\d/.test(page)).sort();
    const titles = files.map((page) => {
      const [, number = '', title = ''] = /^# (\d+)\. (.*)/.exec(read(page)) ?? [];
      return [`[${number}](${basename(page)})`, title];
    });
    expect(tableRows(read('docs/decisions/README.md')).slice(1)).to.deep.equal(titles);
  });
});

/** Whether a page has a heading with the anchor that GitHub gives it. */
function hasChapter(page: string, chapter: string | undefined): boolean {
  if (chapter === undefined) return true;
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(chapter);
}

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
