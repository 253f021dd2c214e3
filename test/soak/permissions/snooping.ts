import { defineService, openBus, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { connectNats, natsPermissions } from '@terabus/nats';
import { pino } from 'pino';
import { z } from 'zod';
import { OPERATOR, serverWith } from '../../integration/permissions/server.js';
import { until } from '../run/until.js';
import { Wire } from '../run/wire.js';

const Asked = defineService('Soak.Asked', { rpc: { secret: rpc({ args: [z.int()], returns: z.string() }) } });
const Curious = defineService('Soak.Curious', {});

@Service(Asked)
class AskedService extends TeraService {
  @Rpc(Asked.rpc.secret)
  secret(n: number) {
    return `secret ${n}`;
  }
}

/** It may ask, as others may, and so has answers of its own. */
@Service(Curious, { uses: [Asked] })
class CuriousService extends TeraService {
  ask(n: number) {
    return this.client(Asked).secret(n);
  }
}

/** What plain clients need, so that many users have it. */
const INBOXES = '_INBOX.>';

const AT_ONCE = 100;
const PATIENCE_MS = 20_000;

/** Where answers of others could be heard, and the questions with the reply subjects in them. */
const EARS = [
  '>',
  '_REPLY.>',
  '_REPLY.*.*.*',
  '_REPLY.caller.>',
  '_INBOX.>',
  '_INBOX.*',
  '_R_.>',
  Asked.rpc.secret.topic,
];

/** How many of them {@link INBOXES} grants. */
export const INBOX_EARS = EARS.filter((ear) => ear.startsWith('_INBOX.')).length;

/** Calls whose answers a user of the same server would like to hear, who may listen to all inboxes; tells how many it heard. */
export async function snoop(calls: number) {
  const asking = natsPermissions([CuriousService], { name: 'snooper' });
  const users = new Map([
    ['asked', natsPermissions([AskedService], { name: 'asked' })],
    ['caller', natsPermissions([CuriousService], { name: 'caller' })],
    ['snooper', { ...asking, subscribe: { ...asking.subscribe, allow: [...asking.subscribe.allow, INBOXES] } }],
  ]);
  await using server = await serverWith(users);
  const connect = (user: string) => connectNats({ servers: server.url, name: user, user, password: OPERATOR.password });
  const host = await startHost({
    transport: await connect('asked'),
    services: [AskedService],
    logger: pino({ level: 'silent' }),
  });
  const snooper = await Wire.connect(server.port, { user: 'snooper', pass: OPERATOR.password });
  let heard = 0;
  snooper.onMessage = () => {
    heard += 1;
  };
  for (const [id, ear] of EARS.entries()) snooper.subscribe(ear, id + 1);
  await snooper.flush();

  const transport = await connect('caller');
  const client = openBus({ transport, source: 'service.Soak.Curious' }).client(Asked);
  let answered = 0;
  for (let n = 0; n < calls; ) {
    const round = Array.from({ length: Math.min(AT_ONCE, calls - n) }, () => client.secret(n++));
    for (const result of await Promise.allSettled(round)) answered += Number(result.status === 'fulfilled');
  }
  await snooper.flush();
  const heardOfOurs = heard;

  // It would have heard them: what a plain client is answered comes by there.
  const plain = await Wire.connect(server.port, { user: OPERATOR.user, pass: OPERATOR.password });
  plain.publish(Asked.rpc.secret.topic, new Uint8Array(), `_INBOX.${'x'.repeat(22)}`);
  await plain.flush();
  await until(() => heard > heardOfOurs, PATIENCE_MS);
  plain.close();
  snooper.close();
  await transport.close();
  await host.stop();
  return {
    answered,
    heard: heardOfOurs,
    heardOfPlain: heard - heardOfOurs,
    subscribed: EARS.length - snooper.errors.length,
  };
}
