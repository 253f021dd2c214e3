import { defineService, type HeldLease, planStreams, Service, startHost, TeraService } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';

@Service(defineService('Import', {}), { leases: true })
class ImportService extends TeraService {
  readonly under = <T>(work: (lease: HeldLease) => T | Promise<T>) => this.lease('nightly', work, { holdMs: 1_500 });
}

describe('leases over NATS', () => {
  let server: NatsServer;
  before(async () => {
    server = await startNatsServer({ jetstream: true });
    await provision(planStreams([ImportService]), { servers: server.url });
  });
  after(() => server.stop());

  it('have one holder at a time, over a restart of the server, and pass on from one whose link is gone', async () => {
    const dying = await connectNats({ servers: server.url });
    const staying = await connectNats({ servers: server.url });
    const logger = pino({ level: 'silent' });
    const start = (transport: Transport) =>
      startHost({ transport, services: [ImportService], logger, drainTimeoutMs: 100 });
    const [first, second] = [await start(dying), await start(staying)];
    let holder: HeldLease | undefined;
    let lost = false;
    const working = first.service(ImportService).under(async (lease) => {
      holder = lease;
      await new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
      lost = true;
    });
    working.catch(() => undefined);
    await eventually(() => {
      expect(holder?.held).to.equal(true);
    });
    const following = second
      .service(ImportService)
      .under((lease) => [lost || holder?.held === false, lease.fence] as const);
    const bucket = staying.keyValue('service.Import marks');
    const revision = async () => (await bucket.get('lease nightly'))?.revision ?? 0;
    const before = await revision();
    await server.kill();
    await server.restart();
    await eventually(async () => {
      expect(await revision()).to.be.greaterThan(before + 1);
    });
    expect([holder?.held, lost], 'renewed on the next link').to.deep.equal([true, false]);
    await dying.close();
    const [wasLost, fence] = await following;
    expect(wasLost).to.equal(true);
    expect(fence).to.be.greaterThan(holder?.fence as number);
    await Promise.all([first.stop(), second.stop()]);
  });
});
