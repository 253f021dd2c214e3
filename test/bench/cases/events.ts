import type { Case, Payload } from './case.js';
import { everybody, ofNats, rowsOf, titles } from './rows.js';

const base = titles.raw;
const oneEach = 'nats.js, 1 in an envelope';
const batching = 'Terabus, batching';

const payloads: readonly Payload[] = ['16 B', '200 B', '4 KB', '64 KB'];

export const events: Case = {
  name: 'events',
  title: 'Events, one in each envelope',
  explains:
    'One process publishes events as fast as another one handles them. With 200 B an envelope has 203 bytes: a TeraEvent with an ordinary DeviceEvent.',
  measurement: 'stream',
  compares: 'perSecond',
  columns: ['senderCpu', 'receiverCpu', 'serverCpu', 'senderPeak', 'receiverPeak', 'senderDelay', 'receiverDelay'],
  smoke: '200 B',
  variants: payloads.map((payload) => ({
    name: payload,
    base,
    rows: [...rowsOf(everybody, { payload }), ...(payload === '200 B' ? rowsOf(['terabus-lines'], { payload }) : [])],
  })),
};

export const latency: Case = {
  name: 'latency',
  title: 'Events, 1,000 a second',
  explains: 'The time of one event from the publisher to the handler, where nobody has to hurry.',
  measurement: 'paced',
  compares: 'p50',
  columns: ['p99', 'senderDelay', 'receiverDelay'],
  smoke: '200 B',
  variants: [{ name: '200 B', base, rows: rowsOf(everybody, {}) }],
};

export const batches: Case = {
  name: 'batches',
  title: 'Batches of events',
  explains:
    'The same events of 200 B, sixteen in an envelope: by hand, by `publishAll`, and one by one by a batching publisher. They are held against one in each envelope, by hand.',
  measurement: 'stream',
  compares: 'perSecond',
  columns: events.columns,
  smoke: '16 in an envelope',
  variants: [
    {
      name: '16 in an envelope',
      base: oneEach,
      rows: [
        ...rowsOf(['raw'], {}).map((row) => ({ ...row, name: oneEach })),
        ...rowsOf(ofNats, { perEnvelope: 16 }),
        ...rowsOf(['terabus'], { perEnvelope: 16, batching: true }).map((row) => ({ ...row, name: batching })),
      ],
    },
  ],
};

export const messages: Case = {
  name: 'messages',
  title: 'Module messages',
  explains:
    'Messages to the mailbox of a module. Their sender numbers them, and the receiver holds each number against the last one.',
  measurement: 'stream',
  compares: 'perSecond',
  columns: events.columns,
  smoke: '200 B',
  variants: [{ name: '200 B', base, rows: rowsOf(ofNats, { workload: 'messages' }) }],
};
