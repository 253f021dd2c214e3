import type { Case, Setting, Variant } from './case.js';
import { rowsOf, titles, withoutExtras } from './rows.js';

const columns = ['each', 'senderCpu', 'receiverCpu', 'receiverPeak'] as const;

/** A case whose variants do more and more of the same, each held against the first. */
function growing(
  { name, title, explains }: Pick<Case, 'name' | 'title' | 'explains'>,
  steps: readonly (readonly [string, Partial<Setting>])[],
): Case {
  const variants: Variant[] = steps.map(([step, differs]) => ({
    name: step,
    base: titles.raw,
    rows: rowsOf(withoutExtras, differs),
  }));
  const smoke = variants.at(-1)?.name ?? '';
  return {
    name,
    title,
    explains,
    measurement: 'stream',
    compares: 'perSecond',
    columns,
    smoke,
    variants,
    againstFirst: true,
  };
}

export const topics = growing(
  {
    name: 'topics',
    title: 'More topics',
    explains:
      'The events go to so many topics, one after another; one handler reads all of them by a pattern. It is not quite flat: what is the same as in the message before, as a topic that was checked and its text, is not made again, and here it never is the same. What belongs to a topic may also leave the caches of the processor meanwhile, which was not measured.',
  },
  [1, 10, 100, 1_000].map((number) => [number === 1 ? '1 topic' : `${number} topics`, { topics: number }]),
);

export const handlers = growing(
  {
    name: 'handlers',
    title: 'More handlers',
    explains:
      'A service has so many handlers, each with a topic of its own (by hand: subscriptions). The events go to one after another. It is not flat: as with topics, and each event begins the work of another queue, with a task of its own; its objects may have left the caches of the processor by then, which was not measured. By hand there is no queue.',
  },
  [1, 50, 500].map((number) => [
    number === 1 ? '1 handler' : `${number} handlers`,
    { topics: number, readers: 'handlers' },
  ]),
);

export const services = growing(
  {
    name: 'services',
    title: 'More services in a process',
    explains:
      'A process has so many services, each with a handler and a topic of its own (by hand: subscriptions). The events go to one after another. It is as flat as with so many topics and handlers.',
  },
  [1, 10, 50].map((number) => [
    number === 1 ? '1 service' : `${number} services`,
    { topics: number, readers: 'services' },
  ]),
);

const LARGER =
  'One event in each envelope, larger and larger. From 4 KB on nearly all of the time goes with the bytes: they are made of text, copied from process to process through the server, and made text again.';

export const sizes = growing(
  { name: 'sizes', title: 'Larger events', explains: LARGER },
  (['1 KB', '4 KB', '16 KB', '64 KB'] as const).map((payload) => [payload, { payload }]),
);

export const perEnvelope = growing(
  {
    name: 'per-envelope',
    title: 'More events in an envelope',
    explains:
      'Events of 200 B, so many in each envelope. What is counted are events; what an envelope costs is shared by those in it.',
  },
  [1, 2, 4, 8, 16].map((number) => [`${number} in an envelope`, { perEnvelope: number }]),
);
