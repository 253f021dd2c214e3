import type { Case } from './case.js';
import { rowsOf, withoutExtras } from './rows.js';

export const idle: Case = {
  name: 'idle',
  title: 'An idle service',
  explains:
    'The resident memory of a process with one idle service, held against an idle process that imports what Terabus depends on, and connects.',
  measurement: 'idle',
  compares: 'memory',
  columns: [],
  smoke: 'connected',
  variants: [
    {
      name: 'connected',
      base: 'its dependencies alone',
      rows: [
        ...rowsOf(['raw'], {}).map((row) => ({ ...row, name: 'its dependencies alone' })),
        ...rowsOf(['terabus'], {}),
      ],
    },
  ],
};

export const growth: Case = {
  name: 'growth',
  title: 'Memory behind 1,000,000 events',
  explains:
    'How much more resident memory the processes have when 1,000,000 events went through them and the garbage is taken away. 200,000 went before, by which memory has settled.',
  measurement: 'growth',
  compares: 'receiverGrowth',
  columns: ['senderGrowth'],
  smoke: '200 B',
  rounds: 1,
  variants: [{ name: '200 B', base: '', rows: rowsOf(withoutExtras, {}) }],
};
