// Code of README.md that needs a cluster to run: compiled here, and compared by readme.spec.ts.
import { writeFile } from 'node:fs/promises';
import type { ServiceClass } from '@terabus/core';
import { runUntilSignal, startHost } from '@terabus/core';
import { connectNats, natsPermissions } from '@terabus/nats';

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

export async function grantedToPresence(PresenceService: ServiceClass, password: string) {
  // #region permissions
  const permissions = natsPermissions([PresenceService], { name: 'PresenceService', namespace: 'prod' });
  const authorization = { users: [{ user: 'presence', password, permissions }] };
  await writeFile('users.conf', JSON.stringify({ authorization }, undefined, 2));
  // #endregion
}
