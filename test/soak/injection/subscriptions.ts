import type { Transport, TransportSubscription } from '@terabus/core/transport';
import { toSubject } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import type { Random } from '../run/random.js';
import { Breaches } from './breaches.js';
import { EVIL, hostileText } from './corpus.js';
import type { Watcher } from './watcher.js';

const NAMESPACE = 'soak';
const BATCH = 100;

/** Where nobody of the namespace may hear anything, and one place inside that no case names. */
const PROBES = [
  `${EVIL}.a`,
  'soak.group.1',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa.1',
  '_REPLY.terabus.00000000000000000000000000000000.1',
  '$JS.API.INFO',
  '$SYS.REQ.SERVER.PING',
  '@other.soak.events',
  `@${NAMESPACE}._REPLY.terabus.00000000000000000000000000000000.1`,
  '@',
];

/** Hostile topics, patterns and names of groups to subscribe with: whoever does hears what is its own, once. */
export async function subscriptions(
  cases: number,
  server: NatsServer,
  watcher: Watcher,
  random: Random,
): Promise<Breaches> {
  const breaches = new Breaches();
  const transport = await connectNats({ servers: server.url, namespace: NAMESPACE });
  for (let n = 0; n < cases; ) {
    const running: { text: string; topic: string; heard: string[]; subscription: TransportSubscription }[] = [];
    for (const end = Math.min(cases, n + BATCH); n < end; n++) {
      const text = hostileText(Math.floor(n / 3), random);
      const topic = n % 3 === 0 ? text : `soak.group.${n}`;
      const heard: string[] = [];
      await breaches.attempt(text, async () => {
        const subscription = await subscribe(transport, n % 3, text, topic, (payload) => heard.push(payload));
        running.push({ text, topic: n % 3 === 1 ? '' : topic, heard, subscription });
      });
    }
    for (const probe of PROBES) watcher.wire.publish(probe, Buffer.from('probe'));
    await watcher.wire.flush();
    const own = running.filter(({ topic }) => topic !== '');
    for (const topic of new Set(own.map((each) => each.topic))) {
      await transport.publish({ topic, bytes: Buffer.from('own') });
    }
    await transport.flush();
    for (const { text, topic, heard, subscription } of running) {
      await subscription.drain();
      if (heard.includes('probe')) breaches.report(text, 'subscribed to what is not its own');
      else if (topic !== '' && heard.join() !== 'own')
        breaches.report(text, `heard ${heard.length} times what it should once`);
      else breaches.harmless += 1;
    }
    await watcher.take();
  }
  await transport.close();
  return breaches;
}

/** With a topic, as a pattern, or in a group of this name. */
function subscribe(transport: Transport, way: number, text: string, topic: string, hear: (payload: string) => void) {
  const deliver = ({ bytes }: { bytes: Uint8Array }) => hear(Buffer.from(bytes).toString());
  switch (way) {
    case 0:
      return transport.subscribe(toSubject(topic), {}, deliver);
    case 1:
      return transport.subscribe(text, {}, deliver);
    default:
      return transport.subscribe(topic, { group: text }, deliver);
  }
}
