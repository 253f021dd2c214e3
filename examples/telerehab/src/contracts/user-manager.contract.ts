import { defineModule, rpc, uuid } from '@terabus/core/contract';
import { DeviceEvent, ParticipantEvent, SessionEvent, UserEvent } from '@terabus/messages';
import { z } from 'zod';

// Results hold whatever UUIDs connected: a strange one must not spoil the answer about all others.
const online = z.array(z.string());
const busy = z.record(z.string(), z.string());
const status = z.object({ online: z.boolean(), busy: z.boolean() });

/** What a device said of itself last. `status` is JSON in a string: each kind of device has its own. */
export const deviceStatus = z.object({ status: z.string(), timestamp: z.number() });
export type DeviceStatus = z.infer<typeof deviceStatus>;

const nothing = { args: [], idempotent: true } as const;

/** Knows who is online and who is in which session, and tells everybody. */
export const UserManager = defineModule('TeraServer.UserManagerModule', {
  events: { types: [UserEvent, ParticipantEvent, DeviceEvent] },
  messages: { types: [UserEvent, ParticipantEvent, DeviceEvent, SessionEvent] },
  rpc: {
    online_users: rpc({ ...nothing, returns: online }),
    online_participants: rpc({ ...nothing, returns: online }),
    online_devices: rpc({ ...nothing, returns: online }),
    busy_users: rpc({ ...nothing, returns: busy }),
    busy_participants: rpc({ ...nothing, returns: busy }),
    busy_devices: rpc({ ...nothing, returns: busy }),
    status_users: rpc({ ...nothing, returns: z.record(z.string(), status) }),
    status_participants: rpc({ ...nothing, returns: z.record(z.string(), status) }),
    status_devices: rpc({
      ...nothing,
      returns: z.record(z.string(), status.extend({ status: deviceStatus.nullable() })),
    }),
    /** Device, status, epoch seconds. The answer repeats them; it is null for a device that is offline. */
    update_device_status: rpc({
      args: [uuid, z.string(), z.number()],
      returns: deviceStatus.extend({ uuid: z.string() }).nullable(),
    }),
  },
});
