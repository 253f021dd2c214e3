import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BusError, defineModule, EXIT, openBus, rpc, uuid } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { z } from 'zod';

const main = fileURLToPath(new URL('../../../examples/03-module-messages/dist/main.js', import.meta.url));

// What a caller of another team has: its own copy of the part of the contract that it needs.
const Presence = defineModule('Clinic.PresenceModule', {
  rpc: { online_devices: rpc({ args: [], returns: z.array(uuid) }) },
});

describe('a service as a process', () => {
  let server: NatsServer;
  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  /** Starts it, and resolves when it has ended. */
  function run(env: Record<string, string>) {
    const { NATS_URL: _, ...inherited } = process.env;
    const started = spawn(process.execPath, [main], {
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    let stderr = '';
    started.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = once(started, 'close').then(([code]) => ({ code: code as number | null, stderr }));
    return { started, ended };
  }

  it('answers, drains at SIGTERM, and exits with 0', async () => {
    const { started, ended } = run({ NATS_URL: server.url });
    const transport = await connectNats({ servers: server.url });
    try {
      const { online_devices } = openBus({ transport, source: 'service.Test' }).client(Presence);
      expect(await onceServed(() => online_devices())).to.deep.equal([]);
      started.kill('SIGTERM');
      expect(await ended).to.deep.equal({ code: EXIT.drained, stderr: '' });
    } finally {
      await transport.close();
    }
  });

  it('exits with 1 and a sentence when there is no server', async () => {
    const { ended } = run({ NATS_URL: 'nats://127.0.0.1:1', TERABUS_CONNECT_TIMEOUT_MS: '300' });
    const { code, stderr } = await ended;
    expect(stderr).to.include('TERABUS_NO_SERVER').and.to.include('nats://127.0.0.1:1');
    expect(code).to.equal(EXIT.startFailed);
  });

  it('exits with 1 when a variable has a typing error', async () => {
    const { ended } = run({ NATS_URL: server.url, TERABUS_NAMSPACE: 'prod' });
    const { code, stderr } = await ended;
    expect(stderr).to.include('TERABUS_NAMSPACE');
    expect(code).to.equal(EXIT.startFailed);
  });
});

/** The result of a call, as soon as somebody serves it. */
async function onceServed<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (BusError.from(error).reason !== 'TERABUS_NO_RESPONDERS') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
