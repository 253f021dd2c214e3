import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { NatsServer } from '@terabus/testing';
import { findNatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { eventually } from './support/eventually.js';

/** Whether something accepts connections on a port of this machine. */
async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('startNatsServer', () => {
  it('starts a server on a free port, and stop leaves nothing behind', async () => {
    const server = await startNatsServer();
    expect(server.url).to.equal(`nats://127.0.0.1:${server.port}`);
    expect(await listens(server.port)).to.equal(true);
    expect(server.log()).to.contain('Server is ready');

    await server.stop();
    await server.stop();

    expect(await listens(server.port)).to.equal(false);
    expect(existsSync(server.directory)).to.equal(false);
    expect(server.log()).to.contain('Server Exiting');
  });

  it('keeps the directory of a killed server until it is stopped', async () => {
    const server = await startNatsServer({ jetstream: true });
    await server.kill();
    expect(await listens(server.port)).to.equal(false);
    expect(existsSync(`${server.directory}/jetstream`)).to.equal(true);

    await server.stop();
    expect(existsSync(server.directory)).to.equal(false);
  });

  it('ends with its block', async () => {
    let server: NatsServer;
    {
      await using scoped = await startNatsServer();
      server = scoped;
    }
    expect(await listens(server.port)).to.equal(false);
  });

  it('gives several servers ports and directories of their own', async () => {
    const servers = await Promise.all([startNatsServer(), startNatsServer(), startNatsServer()]);
    expect(new Set(servers.map(({ port }) => port)).size).to.equal(3);
    expect(new Set(servers.map(({ directory }) => directory)).size).to.equal(3);
    await Promise.all(servers.map((server) => server.stop()));
  });

  it('shows the log of a server that does not start', async () => {
    const started = startNatsServer({ configuration: 'no_such_setting: 1' });
    const error = await started.then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).to.contain('did not start').and.contain('no_such_setting');
  });

  it('says what is wrong when there is no server to start', () => {
    expect(() => findNatsServer({ TERABUS_NATS_SERVER: '/no/such/file' })).to.throw(
      'TERABUS_NATS_SERVER is "/no/such/file", which is not an executable file.',
    );
  });

  describe('when the process that started it is killed', () => {
    let parent: ChildProcess;
    afterEach(() => parent.kill('SIGKILL'));

    async function startOrphan(...args: string[]): Promise<{ port: number; directory: string }> {
      parent = spawn(process.execPath, [fileURLToPath(new URL('./orphan.js', import.meta.url)), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(parent.stdout as NodeJS.ReadableStream, 'data');
      return JSON.parse(String(line)) as { port: number; directory: string };
    }

    for (const args of [[], ['restart']]) {
      it(`leaves no server and no directory${args[0] ? ', after a restart' : ''}`, async () => {
        const { port, directory } = await startOrphan(...args);
        expect(await listens(port)).to.equal(true);

        parent.kill('SIGKILL');

        await eventually(async () => {
          expect(await listens(port)).to.equal(false);
          expect(existsSync(directory)).to.equal(false);
          expect(existsSync(`${directory}.ended`)).to.equal(false);
        });
      });
    }

    for (const args of [[], ['restart']]) {
      it(`leaves no server when somebody else has removed the directory${args[0] ? ', after a restart' : ''}`, async () => {
        const { port, directory } = await startOrphan(...args);
        expect(await listens(port)).to.equal(true);
        rmSync(directory, { recursive: true });

        parent.kill('SIGKILL');

        await eventually(async () => {
          expect(await listens(port)).to.equal(false);
        });
      });
    }
  });
});
