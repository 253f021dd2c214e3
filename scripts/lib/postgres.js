import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StepFailed } from './step-failed.js';

/** Where Debian keeps one folder per version; its programs are not in the PATH. */
const debian = '/usr/lib/postgresql';
const startMs = 20_000;

/**
 * Starts a PostgreSQL of one's own, which listens at a socket in the folder and nowhere else.
 *
 * @param {string} folder temporary; its path goes into the processes' environment, so that none outlives the run
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 * @throws {StepFailed} when there is none, or it does not start
 */
export async function startPostgres(folder) {
  const programs = findPrograms();
  const user = await userOfServer();
  const data = join(folder, 'postgres');
  mkdirSync(data);
  if (user) {
    // PostgreSQL refuses to run as root, and its user must reach what lies in a folder of root's.
    chmodSync(folder, 0o711);
    chownSync(data, user.uid, user.gid);
  }
  const options = { ...user, cwd: data, env: { ...process.env, TERABUS_TMP: folder } };
  const initdb = await ended(
    spawn(join(programs, 'initdb'), ['-D', join(data, 'files'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '-N'], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  if (initdb.code !== 0) throw new StepFailed('initdb failed.', initdb.output);

  const args = ['-D', join(data, 'files'), '-k', data, '-c', 'listen_addresses=', '-c', 'fsync=off'];
  const server = spawn(join(programs, 'postgres'), args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = ended(server);
  const status = join(data, 'files', 'postmaster.pid');
  const isReady = () => existsSync(status) && /^ready *$/m.test(readFileSync(status, 'utf8'));
  for (const late = performance.now() + startMs; !isReady(); await pause(20)) {
    if (server.exitCode !== null || performance.now() > late) {
      server.kill('SIGKILL');
      throw new StepFailed('PostgreSQL does not start.', (await end).output);
    }
  }
  const stop = async () => {
    server.kill('SIGINT');
    await end;
  };
  return { url: `postgresql://postgres@/postgres?host=${encodeURIComponent(data)}`, stop };
}

function findPrograms() {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (found) return found;
  throw new StepFailed(
    'PostgreSQL was not found: install it (Debian, Ubuntu: `apt-get install postgresql`; macOS: `brew install postgresql`), or name one that runs in TERABUS_POSTGRES.',
  );
}

/** As root: the user whom packages of PostgreSQL make. Else nobody, and it runs as whoever calls. */
async function userOfServer() {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map((option) => ended(spawn('id', [option, 'postgres'], { stdio: ['ignore', 'pipe', 'pipe'] }))),
  );
  if (uid?.code === 0 && gid?.code === 0) return { uid: Number(uid.output), gid: Number(gid.output) };
  throw new StepFailed('PostgreSQL does not run as root, and there is no user `postgres` here.');
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<{ code: number, output: string }>}
 */
function ended(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-10_000);
      });
    }
    child.on('error', (error) => reject(new StepFailed(`${child.spawnfile} could not be started: ${error.message}.`)));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
