import { randomBytes } from 'node:crypto';
import { defineService, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { encodeRpcRequest } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { pino } from 'pino';
import { z } from 'zod';
import type { Random } from '../run/random.js';
import { until } from '../run/until.js';
import { Breaches } from './breaches.js';
import { EVIL, hostileText } from './corpus.js';
import type { Watcher } from './watcher.js';

const Callee = defineService('Soak.Callee', { rpc: { echo: rpc({ args: [], returns: z.string() }) } });
const topic = Callee.rpc.echo.topic;

@Service(Callee)
class CalleeService extends TeraService {
  @Rpc(Callee.rpc.echo)
  echo() {
    return 'answered';
  }
}

/** Where an answer must not go: none of them is an inbox. */
const REPLIES = [
  '$JS.API.STREAM.DELETE.S',
  '$SYS.REQ.SERVER.PING',
  '$KV.b.k',
  `${EVIL}.x`,
  '_INBOX.short',
  '_INBOX',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa.*',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa.>',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa..1',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa.$JS',
  '_REPLY.a',
  '_REPLY.a.0.1',
  '_REPLY.a.00000000000000000000000000000000.1.2',
  '_REPLY.a.0000000000000000000000000000000G.1',
  '@other._REPLY.a.00000000000000000000000000000000.1',
  '_R_.abcdef.1',
  '_inbox.aaaaaaaaaaaaaaaaaaaaaa.1',
  'RedisRPCClient.11111111-1111-4111-8111-111111111111',
  topic,
  'soak.user.x.events',
];

/** Hostile names of methods, and reply subjects that would make the callee a deputy. */
export async function calls(cases: number, server: NatsServer, watcher: Watcher, random: Random): Promise<Breaches> {
  const breaches = new Breaches();
  const transport = await connectNats({ servers: server.url });
  const host = await startHost({ transport, services: [CalleeService], logger: pino({ level: 'silent' }) });
  for (let n = 0; n < cases; n++) {
    if (n % 3 === 0) await unknownMethod(Math.floor(n / 3), watcher, random, breaches);
    else if (n % 3 === 1) await badReply(n, watcher, random, breaches, transport);
    else await badRespond(n, watcher, random, breaches, transport);
  }
  await host.stop();
  await watcher.take();
  return breaches;
}

const request = (method: string, id: bigint) =>
  encodeRpcRequest({ method, replyTo: '', id, timestamp: 1_700_000_000, args: [] });

/** Where somebody may wait for an answer: a subject that is nobody's topic. */
const isInbox = (subject: string) =>
  /^_INBOX\.[A-Za-z0-9]{22,}(?:\.[A-Za-z0-9]+)*$/.test(subject) ||
  /^_REPLY\.[\w-]{1,64}\.[0-9a-f]{32}\.[0-9a-z]{1,11}$/.test(subject);

const inbox = () => `_INBOX.${randomBytes(11).toString('hex')}.1`;

/** Is answered with an error. What is no text can't be a name. */
async function unknownMethod(n: number, watcher: Watcher, random: Random, breaches: Breaches): Promise<void> {
  const text = hostileText(n, random).toWellFormed();
  breaches.cases += 1;
  const replyTo = inbox();
  watcher.wire.publish(topic, request(text, BigInt(n)), replyTo);
  let answers: string[] = [];
  await until(async () => {
    const seen = await watcher.take();
    answers = [
      ...answers,
      ...seen.filter(({ subject }) => subject === replyTo).map(({ payload }) => payload.toString()),
    ];
    return answers.length > 0;
  }, 5_000);
  const reasons = answers.map((answer) => (JSON.parse(answer) as { error?: { reason?: string } }).error?.reason);
  if (reasons.join() === 'TERABUS_RPC_METHOD_UNKNOWN') breaches.refused += 1;
  else breaches.report(text, `as the name of a method was answered with ${answers.join()}`);
}

/** A good call behind it is answered; the bad one has had its time by then, and was not. */
async function badReply(n: number, watcher: Watcher, random: Random, breaches: Breaches, transport: Transport) {
  const known = REPLIES[Math.floor(n / 3)];
  const replyTo = (known ?? asWord(hostileText(n, random))) || '_INBOX.a';
  breaches.cases += 1;
  if (isInbox(replyTo)) {
    breaches.harmless += 1;
    return;
  }
  await watcher.take();
  watcher.wire.publish(topic, request('echo', 1n), replyTo);
  const good = inbox();
  watcher.wire.publish(topic, request('echo', 2n), good);
  const seen: string[] = [];
  await until(async () => {
    seen.push(
      ...(await watcher.take())
        .filter(({ payload }) => payload.includes('"return_value"'))
        .map(({ subject }) => subject),
    );
    return seen.includes(good);
  }, 5_000);
  await transport.flush();
  seen.push(
    ...(await watcher.take()).filter(({ payload }) => payload.includes('"return_value"')).map(({ subject }) => subject),
  );
  if (seen.join() === good) breaches.refused += 1;
  else breaches.report(replyTo, `an answer went to ${seen.filter((subject) => subject !== good).join()}`);
}

/** The port itself answers to no such place either. */
async function badRespond(n: number, watcher: Watcher, random: Random, breaches: Breaches, transport: Transport) {
  const text = REPLIES[Math.floor(n / 3)] ?? hostileText(n, random);
  await watcher.take();
  const sent = await breaches.attempt(text, () => transport.respond(text, Buffer.from('answer')));
  await transport.flush();
  const seen = await watcher.take();
  if (!sent && seen.length === 0) return;
  const [only] = seen;
  if (sent && seen.length === 1 && only?.subject === text && isInbox(text)) breaches.harmless += 1;
  else breaches.report(text, `an answer went to ${seen.map(({ subject }) => subject).join()}`);
}

/** What a raw client can name as a reply subject: no white space, and not more than a server takes. */
const asWord = (text: string) =>
  text
    .toWellFormed()
    .replace(/[\s\0]/g, '')
    .replace(/[^!-~]/g, '')
    .slice(0, 1_000);
