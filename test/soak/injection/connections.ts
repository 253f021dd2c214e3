import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import type { Random } from '../run/random.js';
import { Breaches } from './breaches.js';
import { hostileText } from './corpus.js';
import type { Watcher } from './watcher.js';

const QUESTIONS = 'soak.nobody.rpc';

/** Hostile namespaces, and names of connections, which stand in reply subjects. */
export async function connections(
  cases: number,
  server: NatsServer,
  watcher: Watcher,
  random: Random,
): Promise<Breaches> {
  const breaches = new Breaches();
  for (let n = 0; n < cases; n++) {
    const text = hostileText(Math.floor(n / 2), random);
    const asNamespace = n % 2 === 0;
    await watcher.take();
    const connected = await breaches.attempt(text, async () => {
      const transport = await connectNats({
        servers: server.url,
        ...(asNamespace ? { namespace: text } : { name: text }),
      });
      // Nobody serves it: what is looked at is how the question went out.
      transport.request({ topic: QUESTIONS, bytes: new Uint8Array() }, () => {});
      await transport.flush();
      await transport.close();
    });
    if (!connected) continue;
    const [message, ...others] = await watcher.take();
    const prefix = asNamespace ? `@${text}.` : '';
    const fits =
      others.length === 0 &&
      (!asNamespace || /^[A-Za-z0-9_-]{1,32}$/.test(text)) &&
      message?.subject === `${prefix}${QUESTIONS}` &&
      /^_REPLY\.[\w-]{1,64}\.[0-9a-f]{32}\.[0-9a-z]{1,11}$/.test(message.replyTo?.slice(prefix.length) ?? '');
    if (fits) breaches.harmless += 1;
    else breaches.report(text, `sent ${message?.subject} ${message?.replyTo} and ${others.length} more`);
  }
  return breaches;
}
