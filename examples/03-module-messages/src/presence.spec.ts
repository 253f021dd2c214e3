import { DeviceEvent, DeviceEvent_EventType } from '@terabus/messages';
import { startHarness } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Presence, PresenceService } from './presence.js';

describe('PresenceService', () => {
  it('knows which devices are connected, and tells everybody', async () => {
    await using harness = await startHarness({ services: [PresenceService] });
    const deviceUuid = '33333333-3333-4333-8333-333333333333';
    const connected = DeviceEvent.create({ deviceUuid, type: DeviceEvent_EventType.DEVICE_CONNECTED });

    await harness.send(Presence.messages, connected);
    await harness.idle();

    expect(harness.published(Presence.events)).to.deep.equal([connected]);
    expect(await harness.client(Presence).online_devices()).to.deep.equal([deviceUuid]);
  });
});
