import type { Case } from './case.js';
import { everybody, ofNats, rowsOf, titles, withoutExtras } from './rows.js';

const base = titles.raw;

export const rpc: Case = {
  name: 'rpc',
  title: 'Calls',
  explains:
    'One process calls a method of another one, which gives its argument back. p50 and p99 are times of one call, from the call to its result. With one in flight the cores fall asleep between its steps, and on a virtual machine waking one takes longer than a step: whoever computes less then may wait longer. Terabus keeps its event loop turning while it awaits an answer, where it sees that this makes for shorter waits; a row shows it without that. On cores that are kept awake, by processes of the lowest priority, there is less to be spared.',
  measurement: 'calls',
  compares: 'perSecond',
  columns: [
    'p50',
    'p99',
    'senderCpu',
    'receiverCpu',
    'serverCpu',
    'senderPeak',
    'receiverPeak',
    'senderDelay',
    'receiverDelay',
  ],
  smoke: '64 in flight',
  variants: [
    { name: '1 in flight', inFlight: 1, awake: false },
    { name: '1 in flight on awake cores', inFlight: 1, awake: true },
    { name: '64 in flight', inFlight: 64, awake: false },
  ].map(({ name, ...differs }) => ({
    name,
    base,
    rows: rowsOf(differs.inFlight === 1 ? [...everybody, 'terabus-asleep'] : everybody, {
      workload: 'rpc',
      ...differs,
    }),
  })),
};

export const durablePublish: Case = {
  name: 'durable-publish',
  title: 'Durable publish',
  explains:
    'Events of 200 B are stored in a stream, 256 on their way at a time, each with a message id and an acknowledgement by the server. p50 and p99 are times of one, from the publish to the acknowledgement.',
  measurement: 'store',
  compares: 'perSecond',
  columns: ['p50', 'p99', 'senderCpu', 'serverCpu', 'senderPeak', 'senderDelay'],
  smoke: '200 B',
  variants: [{ name: '200 B', base, rows: rowsOf(ofNats, { workload: 'store' }) }],
};

export const durableHandle: Case = {
  name: 'durable-handle',
  title: 'Durable handle',
  explains:
    'Events of 200 B lie in a stream and are handled, each acknowledged by itself. By hand it is a pull consumer of nats.js that has as many messages ahead, and tells the server of what runs long.',
  measurement: 'handle',
  compares: 'perSecond',
  columns: ['receiverCpu', 'receiverPeak', 'receiverDelay'],
  smoke: '200 B',
  variants: [{ name: '200 B', base, rows: rowsOf(ofNats, { workload: 'handle' }) }],
};

export const codec: Case = {
  name: 'codec',
  title: 'Codec',
  explains:
    'One event is put into an envelope and that into bytes, or the reverse, by the public functions of `@terabus/messages`: in one process, without a bus.',
  measurement: 'codec',
  compares: 'perSecond',
  columns: ['each'],
  smoke: 'decode 200 B',
  variants: (['encode', 'decode'] as const).flatMap((workload) =>
    (['200 B', '4 KB'] as const).map((payload) => ({
      name: `${workload} ${payload}`,
      base,
      rows: rowsOf(withoutExtras, { workload, payload }),
    })),
  ),
};
