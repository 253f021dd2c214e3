import { DeviceEvent } from '@terabus/messages';
import { startHarness, stub } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Presence, WardService } from './ward.js';

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
