import { connectNats } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { count, defineFigure } from '../run/figure.js';
import { Breaches } from './breaches.js';
import { calls } from './calls.js';
import { connections } from './connections.js';
import { logs } from './logs.js';
import { subscriptions } from './subscriptions.js';
import { headers, topics } from './topics.js';
import { Watcher } from './watcher.js';

interface Size {
  readonly cases: number;
}

/** No text of a user's gets anywhere but where it belongs. */
export const injection = defineFigure<Size>({
  name: 'injection',
  promise: 'no topic, queue, reply subject, header, method name or text reaches what it does not name',
  sizes: { small: { cases: 1_000 }, short: { cases: 5_000 }, long: { cases: 50_000 } },
  async run({ cases }, { random, progress }) {
    await using server = await startNatsServer();
    const watcher = await Watcher.start(server);
    const transport = await connectNats({ servers: server.url });
    const total = new Breaches();
    const parts = [
      ['topics', 0.26, (n: number) => topics(n, transport, watcher, random.fork('topics'))],
      ['headers', 0.2, (n: number) => headers(n, transport, watcher, random.fork('headers'))],
      ['subscriptions', 0.2, (n: number) => subscriptions(n, server, watcher, random.fork('subscriptions'))],
      ['calls', 0.2, (n: number) => calls(n, server, watcher, random.fork('calls'))],
      ['logs', 0.1, (n: number) => logs(n, server, watcher, random.fork('logs'))],
      ['connections', 0.04, (n: number) => connections(n, server, watcher, random.fork('connections'))],
    ] as const;
    const shares: string[] = [];
    for (const [name, share, run] of parts) {
      const breaches = await run(Math.round(cases * share));
      total.add(breaches);
      shares.push(`${name} ${breaches.cases}`);
      progress(`${name}: ${breaches.cases} cases, ${breaches.found.length} breaches`);
    }
    await transport.close();
    watcher.close();
    return {
      did:
        `${total.cases.toLocaleString('en-US')} hostile texts (${shares.join(', ')}), of which ` +
        `${total.refused.toLocaleString('en-US')} were refused and ${total.harmless.toLocaleString('en-US')} arrived where they belong`,
      checks: [
        count('cases that got through', total.found.length),
        count('cases judged', total.refused + total.harmless + total.found.length, total.cases),
      ],
      notes: total.found.slice(0, 20),
    };
  },
});
