import { setTimeout as pause } from 'node:timers/promises';
import { matches } from '@terabus/core/transport';
import type { NatsPermissions } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { exercise } from './exercise.js';
import type { Grant } from './server.js';
import { grantsOf, inParallel, refusedTo, serverWith, without } from './server.js';
import type { HostUnderTest, SystemUnderTest } from './systems.js';
import { namespaceOf } from './systems.js';

/** What came of taking one grant from one host. */
export interface Finding extends Grant {
  readonly system: string;
  readonly host: string;
  /**
   * Who was refused something that the grant covers: the services of the example in their own run, or, where that
   * leaves it out, a transport that does what they declare. `nobody`: the grant is superfluous.
   */
  readonly missedBy: 'the services' | 'a declared operation' | 'nobody';
}

/** What came of a round. */
export interface Round {
  readonly findings: readonly Finding[];
  /** Sentences about everything that is not as promised; empty if all is well. */
  readonly problems: readonly string[];
}

/**
 * Runs systems under the permissions that are generated for them, then without each of their grants. For all examples
 * that takes two or three minutes.
 */
export async function permissionRound(systems: readonly SystemUnderTest[]): Promise<Round> {
  const findings: Finding[] = [];
  const problems: string[] = [];
  for (const system of systems) {
    problems.push(...(await problemsOf(system)));
    findings.push(...(await mutations(system)));
  }
  for (const { system, host, how, grant, missedBy } of findings) {
    if (missedBy === 'nobody') problems.push(`${system}, ${host}: nobody misses ${how} ${grant}`);
  }
  return { findings, problems };
}

const userOf = (host: HostUnderTest, namespace: string) => `${host.name}-${namespace}`;

const stores = ({ hosts }: SystemUnderTest) => hosts.some(({ declared }) => declared.stored.streams.length > 0);

/** The users of a system in a namespace, with what is generated for them. */
function usersOf({ hosts }: SystemUnderTest, namespace: string): [string, NatsPermissions][] {
  return hosts.map((host) => [userOf(host, namespace), host.permissions(namespace)]);
}

/**
 * Runs a system under its own permissions, then exercises what it declares. Gives sentences about what its run expects
 * and did not see, and about what was refused.
 */
export async function problemsOf(system: SystemUnderTest): Promise<string[]> {
  const namespace = namespaceOf(0);
  await using server = await serverWith(new Map(usersOf(system, namespace)), stores(system));
  const drive = system.start(server.url, namespace, (host) => userOf(host, namespace));
  const failure = await drive.outcome;
  await drive.kill();
  for (const host of system.hosts) {
    await exercise(server, { user: userOf(host, namespace), name: host.name, namespace }, host.declared);
  }
  const refused = system.hosts.flatMap((host) =>
    refusedTo(server, userOf(host, namespace)).map(
      ({ how, subject }) => `${system.name}, ${host.name}: it may not ${how} ${subject}`,
    ),
  );
  return failure === undefined ? refused : [`${system.name} does not work: ${failure}`, ...refused];
}

/** Takes each grant from each host of a system, one at a time, and finds out who misses it. */
async function mutations(system: SystemUnderTest, width = 3): Promise<Finding[]> {
  const takenFrom = system.hosts.flatMap((host) =>
    grantsOf(host.permissions(namespaceOf(0))).map((_, index) => ({ host, index })),
  );
  const cases = takenFrom.map(({ host, index }, number) => {
    const namespace = namespaceOf(number);
    const permissions = host.permissions(namespace);
    const taken = grantsOf(permissions)[index] as Grant;
    return { host, taken, namespace, left: without(permissions, taken) };
  });
  const users = new Map(cases.flatMap(({ namespace }) => usersOf(system, namespace)));
  for (const { host, namespace, left } of cases) users.set(userOf(host, namespace), left);
  await using server = await serverWith(users, stores(system));

  return await inParallel(cases, width, async ({ host, taken, namespace }) => {
    const user = userOf(host, namespace);
    const isMissed = () => refusedTo(server, user).some((refused) => isCoveredBy(refused, taken));
    const drive = system.start(server.url, namespace, (each) => userOf(each, namespace));
    await untilEndOrRefusal(drive.outcome, server, user);
    await drive.kill();
    const byServices = isMissed();
    if (!byServices) await exercise(server, { user, name: host.name, namespace }, host.declared);
    const missedBy = byServices ? 'the services' : isMissed() ? 'a declared operation' : 'nobody';
    return { system: system.name, host: host.name, ...taken, missedBy };
  });
}

const isCoveredBy = (refused: { readonly how: string; readonly subject: string }, { how, grant }: Grant) =>
  refused.how === how && matches(grant.split(' ')[0] as string, refused.subject);

async function untilEndOrRefusal(outcome: Promise<unknown>, server: NatsServer, user: string): Promise<void> {
  let ended = false;
  const end = outcome.then(() => {
    ended = true;
  });
  const refusal = (async () => {
    while (!ended && refusedTo(server, user).length === 0) await pause(10);
  })();
  await Promise.race([end, refusal]);
}
