import { DeviceEvent } from '@terabus/messages';
import { startHarness, stub } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AdmissionService, asked, MonitorService, Presence, readings, resync, WardService } from './ward.js';

describe('WardService', () => {
  it('asks who is online when a device changes', async () => {
    // #region stub
    const presence = stub(Presence, { online_devices: () => ['33333333-3333-4333-8333-333333333333'] });
    await using harness = await startHarness({ services: [WardService], stubs: [presence] });

    await harness.publish(Presence.events, DeviceEvent.create({ deviceName: 'Scale' }));
    await harness.idle();

    expect(presence.calls('online_devices')).to.deep.equal([[]]);
    expect(harness.logs.map(({ msg }) => msg)).to.include('Scale changed, 1 devices are online');
    // #endregion
  });
});

describe('MonitorService', () => {
  it('records readings, which arrive one by one in their order', async () => {
    await using harness = await startHarness({ services: [MonitorService] });
    const events = ['Scale', 'Lamp'].map((deviceName) => DeviceEvent.create({ deviceName }));
    const recorded = harness.service(MonitorService).record('7', events);
    await harness.clock.advance(5);
    await recorded;
    expect(harness.published(readings({ room: '7' }))).to.deep.equal(events);
  });
});

describe('AdmissionService', () => {
  it('is told where nobody knows whether a message has arrived, and so are observers', async () => {
    await using harness = await startHarness({ services: [AdmissionService], observers: [resync] });
    const admitting = harness.service(AdmissionService).admit(DeviceEvent.create({ deviceName: 'Scale' }));
    // Let it come to the connection.
    await Promise.resolve();
    harness.interrupt();
    const reason = await admitting.catch((error: { reason?: string }) => error.reason);
    expect(reason).to.equal('TERABUS_UNCONFIRMED');
    expect(harness.logs.map(({ msg }) => msg)).to.include('again?');
    expect(asked).to.deep.equal(['service.Admission module.Clinic.PresenceModule.messages']);
  });
});
