import { readFileSync } from 'node:fs';

const root = new URL('../../../', import.meta.url);

/** A file of the repository, by its path from the root. */
export const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** The cells of each row of a page's tables, without the lines under the heads; backticks around a cell are taken off. */
export function tableRows(page: string): string[][] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
    );
}

/** A TypeScript code block of a page, and the comment in front of it that says where it is from: `path` or `path#region`. */
export interface CodeBlock {
  readonly source: string | undefined;
  readonly code: string;
}

/** The TypeScript code blocks of a page. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...page.matchAll(/(?:<!-- (?<source>\S+) -->\n)?```ts\n(?<code>.*?)```/gs)].map(({ groups }) => ({
    source: groups?.['source'],
    code: groups?.['code'] ?? '',
  }));
}

/** The code that `path` or `path#region` names: the file, or what stands between its `// #region` and `// #endregion`. */
export function codeAt(source: string): string {
  const [path = '', region] = source.split('#');
  const text = read(path);
  if (region === undefined) return text;
  const inside = new RegExp(`^ *// #region ${region}\n(.*?)^ *// #endregion`, 'ms').exec(text)?.[1];
  if (inside === undefined) throw new Error(`${path} has no region ${region}`);
  const indent = /^ */.exec(inside)?.[0] ?? '';
  return inside.replace(new RegExp(`^${indent}`, 'gm'), '');
}
