import { defineTopic, type OpenBus, openBus } from '@terabus/core';
import { fromSubject, type Transport } from '@terabus/core/transport';
import type { Random } from '../run/random.js';
import type { WireMessage } from '../run/wire.js';
import { Breaches } from './breaches.js';
import { hostileText } from './corpus.js';
import { judge, type Watcher } from './watcher.js';

const family = defineTopic('soak.user.{uuid}.events', { wrapper: 'text' });
const plain = defineTopic('soak.headers', { wrapper: 'text' });

/** Between two looks at what arrived. */
const BATCH = 200;

type Expected = Map<string, { text: string; problem: (message: WireMessage) => string | undefined }>;

/** Hostile values of a family's parameters, and hostile names of topics. */
export async function topics(cases: number, transport: Transport, watcher: Watcher, random: Random): Promise<Breaches> {
  return inBatches(cases, transport, watcher, async (n, breaches, expected, bus) => {
    const text = hostileText(Math.floor(n / 2), random);
    const payload = `topic ${n}`;
    const ofFamily = n % 2 === 0;
    const sent = await breaches.attempt(text, () =>
      bus.publish(ofFamily ? family({ uuid: text }) : defineTopic(text as 'one', { wrapper: 'text' }), payload),
    );
    if (!sent) return;
    const topic = ofFamily ? `soak.user.${text}.events` : text;
    expected.set(payload, {
      text,
      problem: ({ subject }) => {
        if (topicOf(subject) !== topic) return `arrived on ${subject}`;
        return ofFamily && !/^soak\.user\.[^.]+\.events$/.test(subject) ? `left its family for ${subject}` : undefined;
      },
    });
  });
}

const topicOf = (subject: string): string | undefined => {
  try {
    return fromSubject(subject);
  } catch {
    return undefined;
  }
};

/** Hostile names and values of headers. */
export async function headers(
  cases: number,
  transport: Transport,
  watcher: Watcher,
  random: Random,
): Promise<Breaches> {
  return inBatches(cases, transport, watcher, async (n, breaches, expected, bus) => {
    const text = hostileText(Math.floor(n / 2), random);
    const [name, value] = n % 2 === 0 ? [text, 'value'] : ['X-Name', text];
    const payload = `header ${n}`;
    if (!(await breaches.attempt(text, () => bus.publish(plain, payload, { headers: { [name]: value } })))) return;
    expected.set(payload, {
      text,
      problem: (message) => {
        const [first, ...lines] = message.headers.toString('utf8').split('\r\n').filter(Boolean);
        const others = lines.filter((line) => !/^Terabus-Message-Id: [0-9A-Z]{26}$/.test(line));
        if (first !== 'NATS/1.0' || lines.length !== others.length + 1) return `arrived with ${lines.join(' | ')}`;
        if (/^(?:nats|terabus)-/i.test(name)) return 'is a header of the bus, and was let through';
        return others.length === 1 && others[0] === `${name}: ${value}`
          ? undefined
          : `arrived as ${others.join(' | ')}`;
      },
    });
  });
}

async function inBatches(
  cases: number,
  transport: Transport,
  watcher: Watcher,
  run: (n: number, breaches: Breaches, expected: Expected, bus: OpenBus) => Promise<void>,
): Promise<Breaches> {
  const breaches = new Breaches();
  const bus = openBus({ transport, source: 'service.soak' });
  for (let n = 0; n < cases; ) {
    const expected: Expected = new Map();
    for (const end = Math.min(cases, n + BATCH); n < end; n++) await run(n, breaches, expected, bus);
    await transport.flush();
    judge(await watcher.take(), expected, breaches);
  }
  return breaches;
}
