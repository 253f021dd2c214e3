import { setTimeout as pause } from 'node:timers/promises';
import type { Host, Role } from '@terabus/core';
import { defineModule, defineService, Service, startHost, TeraService } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { type StorePlan, toName, toSubject } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { connect } from 'nats';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';
import { ask, bytes } from '../support/recorder.js';
import { type Declared, isDeadLetters } from './declared.js';
import { OPERATOR, refusedTo } from './server.js';

/** Who exercises, and as what its host connects. */
export interface Exercised {
  readonly user: string;
  readonly name: string;
  readonly namespace: string;
}

/** Does once what the services of a host declare, over a transport like theirs, as their user. Refusals are in the log. */
export async function exercise(
  server: NatsServer,
  { user, name, namespace }: Exercised,
  declared: Declared,
): Promise<void> {
  const connection = { servers: server.url, namespace };
  const transport = await connectNats({ ...connection, name, user, password: OPERATOR.password });
  const operator = await connectNats({ ...connection, name: 'operator', ...OPERATOR });
  const plain = await connect({ servers: server.url, user: OPERATOR.user, pass: OPERATOR.password });
  try {
    for (const topic of declared.speaks) {
      await transport.publish({ topic, bytes: bytes('') }).catch(() => undefined);
    }
    for (const { pattern, group } of declared.hears) {
      await transport.subscribe(pattern, { group }, () => {}).catch(() => undefined);
    }
    // What nobody serves is answered by the server.
    for (const topic of declared.asks) await untilRefused(server, user, ask(transport, topic));
    for (const { pattern, group } of declared.answers) {
      const serving = transport.subscribe(pattern, { group }, ({ replyTo }) => {
        if (replyTo !== undefined) void transport.respond(replyTo, bytes('answer'));
      });
      if ((await serving.catch(() => undefined)) === undefined) continue;
      await untilRefused(server, user, ask(operator, pattern));
      await untilRefused(server, user, plain.request(`@${namespace}.${toSubject(pattern)}`, '', { timeout: 10_000 }));
    }
    await useStored(transport, declared.stored);
    if (declared.stored.streams.length > 0) await acknowledge(server, { user, name, namespace }, declared.stored);
    await transport.flush();
  } finally {
    await Promise.all([transport.close(), operator.close(), plain.close()]);
  }
  for (const single of declared.singles) {
    // Without a grant a hand-over may take long.
    if (refusedTo(server, user).length > 0) break;
    const connectAgain = () => connectNats({ ...connection, name, user, password: OPERATOR.password });
    await handOver(single, connectAgain).catch(() => undefined);
  }
}

/** All that a host does with its streams and buckets, but for settling. */
async function useStored(transport: Transport, plan: StorePlan): Promise<void> {
  const { streams } = transport;
  const uses: (() => Promise<unknown>)[] = [
    ...plan.streams.flatMap(({ name: stream, subjects, consumers }) => [
      () => streams.streamState(stream),
      ...subjects
        .filter((subject) => subject.startsWith('_'))
        .map((subject) => subject.replace('*', 'sample'))
        .map((subject) => () => streams.store({ subject, bytes: bytes('x'), stream, messageId: subject }, 3_000)),
      ...consumers.flatMap(({ name: consumer }) => [
        () => streams.consumerState(stream, consumer),
        () => streams.consume({ stream, consumer, maxUnsettled: 1, maxUnsettledBytes: 1 }, () => {}),
      ]),
      ...(isDeadLetters(subjects)
        ? [
            () => streams.read(stream, { fromSequence: 1 }),
            () => streams.purge(stream, { sequence: 1 }),
            () => streams.purge(stream, { filter: '>' }),
          ]
        : []),
    ]),
    ...plan.buckets
      .map(({ name }) => transport.keyValue(name))
      .flatMap((bucket) => [() => bucket.put('key', bytes('x')), () => bucket.get('key'), () => bucket.keys()]),
  ];
  for (const use of uses) await use().catch(() => undefined);
}

/** As servers of now, and newer ones, have it written on messages. */
async function acknowledge({ url }: NatsServer, { user, namespace }: Exercised, { streams }: StorePlan): Promise<void> {
  const connection = await connect({ servers: url, user, pass: OPERATOR.password });
  for (const { name, consumers } of streams) {
    for (const consumer of consumers) {
      const both = `${toName(name, namespace)}.${toName(consumer.name, namespace)}`;
      for (const front of ['', 'domain.account.']) connection.publish(`$JS.ACK.${front}${both}.1.1.1.1.1`);
    }
  }
  await connection.flush();
  await connection.close();
}

/** A second instance takes over from a first, which stands by, and gives it back as it stops. */
async function handOver(address: string, connect: () => Promise<Transport>): Promise<void> {
  const [kind, name = ''] = address.split(/\.(.*)/);
  const contract = kind === 'module' ? defineModule(name, {}) : defineService(name, { instances: 'one' });

  @Service(contract)
  class Single extends TeraService {}

  const hosts: Host[] = [];
  const start = async () => {
    const host = await startHost({ transport: await connect(), services: [Single], logger: pino({ level: 'silent' }) });
    hosts.push(host);
    return host;
  };
  const playing = (host: Host, role: Role) =>
    eventually(() => void expect(host.health().services[0]?.role).to.equal(role));
  try {
    const first = await start();
    const second = await start();
    await playing(second, 'active');
    await playing(first, 'standby');
    await second.stop();
    await playing(first, 'active');
  } finally {
    for (const host of hosts.toReversed()) await host.stop();
  }
}

/** Waits for an answer, unless the server refuses the user something: then there may be none. */
async function untilRefused(server: NatsServer, user: string, answer: Promise<unknown>): Promise<void> {
  const before = refusedTo(server, user).length;
  let done = false;
  const settled = answer.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  const watching = (async () => {
    while (!done && refusedTo(server, user).length === before) await pause(5);
  })();
  await Promise.race([settled, watching]);
  done = true;
}
