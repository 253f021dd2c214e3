import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** A block of code under the name of the file that it is. */
const BLOCK = /<!-- (?<path>\S+) -->\n\n```ts\n(?<code>.*?)```\n/gs;

describe('packages/testing/README.md', () => {
  it('shows code as it stands in files that are compiled and run', () => {
    const blocks = [...read('packages/testing/README.md').matchAll(BLOCK)];
    expect(blocks).to.not.be.empty;
    for (const { groups = {} } of blocks) expect(groups['code']).to.equal(read(groups['path'] ?? ''));
  });
});
