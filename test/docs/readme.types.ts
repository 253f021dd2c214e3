// Code of the pages that needs more than a test has: compiled here, and compared by readme.spec.ts.
import { writeFile } from 'node:fs/promises';
import type { ServiceClass } from '@terabus/core';
import {
  BusError,
  from,
  OnMessage,
  planStreams,
  Rpc,
  runUntilSignal,
  Service,
  startHost,
  TeraService,
} from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { compareStore, connectNats, natsPermissions, provision, provisionPermissions } from '@terabus/nats';
import { Presence } from './ward.js';

export async function atACluster(PresenceService: ServiceClass) {
  // #region cluster
  const transport = await connectNats({
    servers: ['tls://nats-1.example.org:4222', 'tls://nats-2.example.org:4222'],
    credsFile: '/run/secrets/presence.creds',
    tls: { caFile: '/run/secrets/ca.pem' },
    namespace: 'prod',
  });
  await runUntilSignal((signal) => startHost({ transport, services: [PresenceService], signal }));
  // #endregion
}

export function nobodyHas(id: string): never {
  // #region error
  throw new BusError('nobody has that id', { code: 'NOT_FOUND', reason: 'PERSON_UNKNOWN', details: { id } });
  // #endregion
}

declare function save(event: DeviceEvent): Promise<void>;
declare function load(): Promise<string[]>;

// #region limits
@Service(Presence, { rpc: { maxQueued: 100, timeoutMs: 2_000 } })
export class BusyService extends TeraService {
  @OnMessage(from(Presence.messages, { key: (event) => event.deviceUuid, maxQueued: 20_000 }), DeviceEvent)
  async onDevice(event: DeviceEvent) {
    await save(event);
  }

  @Rpc(Presence.rpc.online_devices)
  onlineDevices() {
    return load();
  }
}
// #endregion

export async function grantedToPresence(PresenceService: ServiceClass, password: string) {
  // #region permissions
  const permissions = natsPermissions([PresenceService], { name: 'PresenceService', namespace: 'prod' });
  const authorization = { users: [{ user: 'presence', password, permissions }] };
  await writeFile('users.conf', JSON.stringify({ authorization }, undefined, 2));
  // #endregion
}

export async function provisionedFor(PresenceService: ServiceClass, password: string) {
  // #region provision
  const plan = planStreams([PresenceService], { replicas: 3 });
  const options = { servers: 'nats://nats-1.example.org:4222', namespace: 'prod', name: 'provisioner' };
  const { made } = await provision(plan, { ...options, user: 'provisioner', password });
  console.log(made);
  // #endregion
  // #region compare
  const differences = await compareStore(plan, { ...options, user: 'provisioner', password });
  // #endregion
  // #region provisioner
  const permissions = provisionPermissions(plan, { name: 'provisioner', namespace: 'prod' });
  // #endregion
  return { differences, permissions };
}
