import { defineModule, OnMessage, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { DeviceEvent } from '@terabus/messages';
import { natsPermissions } from '@terabus/nats';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { BusyService } from './readme.types.js';
import { read, tableRows } from './support.js';

const Plain = defineModule('Example.Plain', {
  messages: { types: [DeviceEvent] },
  rpc: { ask: rpc({ args: [], returns: z.null() }) },
});

/** A service that says nothing of limits. */
@Service(Plain)
class PlainService extends TeraService {
  @OnMessage(Plain.messages, DeviceEvent)
  onDevice() {}

  @Rpc(Plain.rpc.ask)
  ask() {
    return null;
  }
}

const startPlain = (health?: { port: number; host: string }) =>
  startHost({ transport: new MemoryBroker().connect(), services: [PlainService], logLevel: 'silent', health });

describe('the tables in docs/promises.md', () => {
  const rows = tableRows(read('docs/promises.md'));
  const limitOf = (what: string) => rows.find(([name]) => name === what)?.[1];

  it('have the limits that hold where nothing else is said', async () => {
    const host = await startPlain();
    const groups = host.health().services[0]?.groups ?? [];
    await host.stop();
    const written = groups.map(
      ({ maxQueued, maxQueuedBytes }) => `${maxQueued.toLocaleString('en')}, or ${maxQueuedBytes / 2 ** 20} MiB`,
    );
    expect([limitOf('messages for a group'), limitOf('calls for a service')]).to.deep.equal(written);
  });
});

describe('the tables in docs/operating.md', () => {
  const rows = tableRows(read('docs/operating.md'));

  it('have every path that tells of health', async () => {
    const host = await startPlain({ port: 0, host: '127.0.0.1' });
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${host.healthPort}${path}`)).status;
    const paths = rows.map(([path = '']) => path).filter((path) => path.startsWith('/'));
    const answered = await Promise.all(paths.map(statusOf));
    const other = await statusOf('/');
    await host.stop();
    expect(paths).to.have.length.above(0);
    expect([...answered, other]).to.deep.equal([...paths.map(() => 200), 404]);
  });

  it('have every grant of the service in the example', () => {
    const { publish, subscribe } = natsPermissions([BusyService], { name: 'PresenceService', namespace: 'prod' });
    const granted = [
      ...publish.allow.map((subject) => `publish ${subject}`),
      ...subscribe.allow.map((entry) => `subscribe ${entry.replace(/ .*/, ' …')}`),
      ...(subscribe.deny ?? []).map((subject) => `never ${subject}`),
    ];
    const written = rows
      .filter(([what = '']) => ['publish', 'subscribe', 'never'].includes(what))
      .map(([what = '', subject = '']) => `${what} ${subject.replaceAll('`', '')}`);
    expect(written).to.deep.equal(granted);
  });
});
