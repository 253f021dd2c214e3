import { PGlite } from '@electric-sql/pglite';
import { Bus, defineService, defineTopic, type EventContext, from, OnEvent, Service, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { migrate, pgliteDatabase, type Relay, SqlInbox, SqlOutbox } from '@terabus/sql';
import { startHarness } from '@terabus/testing';
import { expect } from 'chai';
import { inject } from 'inversify';
import { after, before, describe, it } from 'mocha';

const Registry = defineService('Example.Registry', {
  events: { types: [DeviceEvent], durable: true },
});
const found = defineTopic('devices.found', {
  wrapper: 'event',
  types: [DeviceEvent],
  durable: { duplicateWindowMs: 1_000 },
});

const pglite = await PGlite.create();
const database = pgliteDatabase(pglite);
const outbox = new SqlOutbox(database, { topics: [Registry.events] });
const inbox = new SqlInbox(database, { outbox });

@Service(Registry, { uses: [found] })
class RegistryService extends TeraService {
  #relay: Relay | undefined;

  constructor(@inject(Bus) private readonly bus: Bus) {
    super();
  }

  protected override onReady() {
    this.#relay = outbox.relay({ bus: this.bus, clock: this.clock, logger: this.logger });
  }
  protected override onStop() {
    return this.#relay?.stop();
  }

  @OnEvent(from(found, { deduplicate: true }), DeviceEvent)
  async onDevice(device: DeviceEvent, context: EventContext) {
    const query = inbox.query(context);
    await query('insert into devices (name) values ($1)', [device.deviceName]);
    await outbox.publish(query, Registry.events, device, { context });
  }
}

describe('the registry', () => {
  before(async () => {
    await migrate(database);
    await pglite.query('create table devices (name text not null)');
  });
  after(() => pglite.close());

  it('registers a device once, and tells of it once', async () => {
    await using harness = await startHarness({ services: [RegistryService], inbox });
    const device = DeviceEvent.create({ deviceName: 'Scale' });

    for (let n = 0; n < 2; n += 1) {
      await harness.publish(found, device, { messageId: 'the same' });
      await harness.idle();
      await harness.clock.advance(2_000); // beyond the window in which the stream knows the id
    }
    while ((await outbox.state()).waiting > 0) await harness.idle();

    expect((await pglite.query('select name from devices')).rows).to.deep.equal([{ name: 'Scale' }]);
    expect(harness.published(Registry.events)).to.deep.equal([device]);
  });
});
