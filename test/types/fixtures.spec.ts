import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'test/types');
const DIRECTIVE = '@ts-expect-error';

/** What the project's compiler says about the files in a folder: `file:line`, one for each error. */
async function errorsIn(directory: string): Promise<string[]> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = { cwd: directory, maxBuffer: 2 ** 24 };
  const output = await promisify(execFile)(process.execPath, [tsc, '-p', directory, '--pretty', 'false'], options).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  );
  return [...output.matchAll(/^([\w.-]+\.ts)\((\d+),\d+\): error/gm)].map(([, file, line]) => `${file}:${line}`);
}

describe('the type fixtures', () => {
  let directory = '';
  let files: string[] = [];
  before(async () => {
    const { TERABUS_TMP } = process.env;
    directory = await mkdtemp(join(TERABUS_TMP || tmpdir(), 'terabus-types-'));
    files = (await readdir(folder)).filter((file) => file.endsWith('.types.ts'));
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
    await cp(join(root, 'test/package.json'), join(directory, 'package.json'));
    const options = { noEmit: true, composite: false, declaration: false, declarationMap: false, rootDir: directory };
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions: options, include: ['*.ts'] }),
    );
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('each guard against exactly one mistake, and nothing else is wrong in them', async () => {
    const expected: string[] = [];
    for (const file of files) {
      const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
      for (const [index, line] of lines.entries()) {
        if (line.includes(`// ${DIRECTIVE}`)) expected.push(`${file}:${index + 2}`);
      }
      await writeFile(join(directory, file), lines.join('\n').replaceAll(`// ${DIRECTIVE}`, '// refused:'));
    }
    expect(expected.length).to.be.greaterThan(80);

    const errors = await errorsIn(directory);
    expect(errors.sort()).to.deep.equal(expected.sort());
  });
});
