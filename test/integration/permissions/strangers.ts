import { once } from 'node:events';
import { createConnection } from 'node:net';
import { matches } from '@terabus/core/transport';
import type { NatsPermissions } from '@terabus/nats';
import { OPERATOR } from './server.js';

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

/** Of these subjects, those that a user's grants don't hold, and the same subjects with other queue groups. */
export function strangersTo({ publish, subscribe }: NatsPermissions, subjects: readonly string[]) {
  const held = (allow: readonly string[], subject: string) =>
    allow.some((grant) => matches(grant.split(' ')[0] as string, subject));
  const queued = subscribe.allow.filter((grant) => / [^*]/.test(grant)).map((grant) => grant.split(' ')[0] as string);
  return {
    publish: subjects.filter((subject) => !held(publish.allow, subject)),
    subscribe: [
      ...subjects.filter((subject) => !held(subscribe.allow, subject)),
      ...queued.flatMap((subject) => [subject, `${subject} somebody`]),
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
