import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const folder = fileURLToPath(new URL('../../../examples/04-own-messages/', import.meta.url));

function filesOf(root: string): Record<string, string> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

describe('the generated code of examples/04-own-messages', () => {
  it('is what its buf.gen.yaml makes of its proto files', () => {
    const output = mkdtempSync(join(process.env['TERABUS_TMP'] || tmpdir(), 'terabus-generated-'));
    try {
      // The template as it stands; only the place of the output is another.
      const template = readFileSync(join(folder, 'buf.gen.yaml'), 'utf8').replace(
        'out: src/gen',
        `out: ${JSON.stringify(output)}`,
      );
      execFileSync('npx', ['buf', 'generate', '--template', template], { cwd: folder, stdio: 'pipe' });
      const made = filesOf(output);
      expect(Object.keys(made)).to.have.length.above(0);
      expect(filesOf(join(folder, 'src/gen'))).to.deep.equal(made);
    } finally {
      rmSync(output, { recursive: true });
    }
  });
});
