import { once } from 'node:events';
import { createConnection } from 'node:net';
import { matches, toSubject } from '@terabus/core/transport';
import type { NatsPermissions } from '@terabus/nats';
import { claimOf, newsOf, standbyOf, storedSubjects } from './declared.js';
import { OPERATOR } from './server.js';
import type { HostUnderTest } from './systems.js';

/** What nobody is granted, or only others: `count` subjects and patterns, the dangerous ones first. */
export function strangeSubjects(others: readonly NatsPermissions[], count: number): string[] {
  const theirs = others.flatMap(({ publish, subscribe }) => [...publish.allow, ...subscribe.allow]);
  const subjects = new Set([
    ...['>', '*', '*.*', '*.>', '*.*.*.*', 'module.>', 'service.>', 'module.*.*.messages', '@n0.>', '@n0.*.*', '@*.>'],
    ...['$JS.API.>', '$JS.API.INFO', '$JS.API.STREAM.DELETE.S', '$JS.API.CONSUMER.CREATE.S', '$JS.ACK.S.c.>'],
    ...['$SYS.>', '$SYS.REQ.SERVER.PING', '$SYS.REQ.USER.INFO', '$SYS.ACCOUNT.*.CONNECT', '$KV.>', '$O.>', '$SRV.PING'],
    ...[
      '_INBOX.>',
      '_INBOX.*',
      '_INBOX.A1b2C3d4E5f6G7h8I9j0Kl',
      '_INBOX.A1b2C3d4E5f6G7h8I9j0Kl.*',
      '_R_.>',
      '_R_.Xy12Ab',
    ],
    ...['_REPLY.>', '_REPLY.*.*.*', '@n0._REPLY.>', '@n0._REPLY.*.*.*', '@n0._REPLY.other.*.*', '@n0._REPLY.terabus.>'],
    ...['@n0._REPLY.other.>', `@n0._REPLY.other.${'0'.repeat(32)}.*`, '@n1._REPLY.terabus.*.*', '@n0.RedisRPCClient.*'],
    ...theirs.map((grant) => grant.split(' ')[0] as string),
  ]);
  for (let i = 0; subjects.size < count; i += 1) {
    for (const space of ['', '@n0.', '@n1.']) {
      for (const end of ['events', 'messages', 'messages.heartbeat', 'rpc', '>']) {
        for (const kind of ['module.TeraServer', 'service']) subjects.add(`${space}${kind}.Other${i}.${end}`);
      }
    }
  }
  return [...subjects].slice(0, count);
}

/**
 * Of these subjects, those that a host does not declare, and those that it shares by itself with other queue groups, or
 * none. What is granted is not asked: a grant that is too wide must show.
 */
export function strangersTo(
  { name, declared, comingAndGoing }: HostUnderTest,
  namespace: string,
  subjects: readonly string[],
) {
  const { speaks, asks, answers, hears, singles, stored } = declared;
  const inside = (subject: string) => `@${namespace}.${subject}`;
  // Members of a family are declared by a sample.
  const spoken = [...speaks, ...asks].map((topic) => inside(toSubject(topic).replaceAll(/\bsample\b/g, '*')));
  const shared = [...[...hears, ...answers].map(({ pattern }) => pattern), ...singles.map(standbyOf)].map(inside);
  const single = singles.flatMap((each) => [claimOf(each), newsOf(each), standbyOf(each)]).map(inside);
  const published = [
    ...spoken,
    ...single,
    ...storedSubjects(stored, namespace),
    ...(answers.length > 0 ? ['_INBOX.>'] : []),
    ...(answers.length + singles.length > 0 ? [inside('_REPLY.*.*.*')] : []),
  ];
  const subscribed = [
    ...shared,
    ...single,
    ...comingAndGoing.map(inside),
    ...(asks.length + singles.length > 0 ? [inside(`_REPLY.${name}.*.*`)] : []),
  ];
  const isNone = (declaredPatterns: readonly string[]) => (subject: string) =>
    !declaredPatterns.some((pattern) => matches(pattern, subject));
  return {
    publish: subjects.filter(isNone(published)),
    subscribe: [
      ...subjects.filter(isNone(subscribed)),
      // None of the examples has handlers of every instance.
      ...shared.flatMap((pattern) => [pattern, `${pattern} somebody`]),
    ],
  };
}

/** Tries them all as a user, in the protocol's own words. Gives those that the server let through. */
export async function letThrough(
  port: number,
  user: string,
  { publish, subscribe }: { readonly publish: readonly string[]; readonly subscribe: readonly string[] },
): Promise<string[]> {
  const socket = createConnection(port, '127.0.0.1').setEncoding('latin1');
  try {
    await once(socket, 'connect');
    const login = JSON.stringify({ verbose: false, pedantic: false, user, pass: OPERATOR.password });
    const subscriptions = subscribe.map((subject, index) => `SUB ${subject} ${index + 1}\r\n`);
    const publications = publish.map((subject) => `PUB ${subject} 0\r\n\r\n`);
    socket.write(`CONNECT ${login}\r\n${[...subscriptions, ...publications].join('')}PING\r\n`);
    let heard = '';
    for await (const chunk of socket) {
      heard += chunk;
      if (heard.includes('PONG\r\n')) break;
    }
    const refused = new Set(
      [...heard.matchAll(/Violation for (\w+) to "([^"]+)"(?: using queue "([^"]+)")?/g)].map(
        ([, how, subject, queue]) => `${how} ${subject}${queue === undefined ? '' : ` ${queue}`}`,
      ),
    );
    return [
      ...subscribe.map((subject) => `Subscription ${subject}`),
      ...publish.map((subject) => `Publish ${subject}`),
    ].filter((attempt) => !refused.has(attempt));
  } finally {
    socket.destroy();
  }
}
