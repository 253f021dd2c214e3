import type { Result, RowResult } from '../run/result.js';

const row = (name: string, ...perSecond: number[]): RowResult => ({
  name,
  samples: perSecond.map((value) => ({ messages: 1_000, values: { perSecond: value, senderCpu: 1e6 / value } })),
});

/** A run of two cases, for the specs of reports. */
export const example: Result = {
  command: 'npm run bench -- --json run.json',
  machine: { cpu: 'Example <1 & 2>', cores: 2, memoryGb: 8, system: 'Linux 6', load: [0.1, 2.2] },
  versions: { Node: '20.19.0', 'nats-server': '2.9.10' },
  rounds: 3,
  cases: [
    {
      name: 'events',
      title: 'Events',
      explains: 'One publishes, one handles.',
      compares: 'perSecond',
      columns: ['senderCpu'],
      againstFirst: false,
      variants: [
        {
          name: '200 B',
          base: 'by hand',
          rows: [
            row('by hand', 70_000, 60_000, 80_000),
            row('Terabus', 105_000, 140_000, 100_000),
            { name: 'Moleculer', samples: [], trouble: 'not installed' },
          ],
        },
      ],
    },
    {
      name: 'topics',
      title: 'More topics',
      explains: 'More and more.',
      compares: 'perSecond',
      columns: [],
      againstFirst: true,
      variants: [
        { name: '1 topic', base: 'by hand', rows: [row('Terabus', 100_000)] },
        { name: '10 topics', base: 'by hand', rows: [row('Terabus', 50_000)] },
      ],
    },
  ],
};
