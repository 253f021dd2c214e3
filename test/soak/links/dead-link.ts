import { Child } from '../run/child.js';
import { count, defineFigure, time } from '../run/figure.js';
import { until } from '../run/until.js';
import type { LinksMethods } from './links-process.js';
import { type FaultKind, peace, Rig } from './rig.js';

const DETECTION_MS = 5_000;
const FIRST_MESSAGE_MS = 1_500;
const REJECTION_MS = 100;
const QUESTIONS = 5;
const PATIENCE_MS = 20_000;

interface Size {
  readonly rigs: number;
  readonly kinds: readonly FaultKind[];
  /** Of each kind. */
  readonly faults: number;
}

/** A link that is dead is found out, calls on it end, and what comes after it is handled soon. */
export const deadLink = defineFigure<Size>({
  name: 'dead-link',
  promise:
    'a dead link is found within 5 s, its calls end at once, and work goes on within 1.5 s of the server’s return',
  sizes: {
    small: { rigs: 1, kinds: ['blackhole'], faults: 1 },
    short: { rigs: 10, kinds: ['blackhole', 'pause', 'kill'], faults: 20 },
    long: { rigs: 10, kinds: ['blackhole', 'pause', 'kill'], faults: 200 },
  },
  async run({ rigs: number, kinds, faults }, { control, progress }) {
    const child = await Child.start<LinksMethods>(new URL('./links-process.js', import.meta.url));
    const rigs = await Promise.all(Array.from({ length: number }, (_, n) => Rig.start(n, child)));
    const controlMs = control.watch();
    const detectionMs: number[] = [];
    const rejectionMs: number[] = [];
    const firstMs: number[] = [];
    let asked = 0;
    let rejected = 0;

    const work = async (rig: Rig, n: number) => {
      const share = Math.floor(faults / number) + (n < faults % number ? 1 : 0);
      for (const kind of kinds) {
        for (let fault = 0; fault < share; fault++) {
          await peace(100);
          await child.call('ask', { rig: n, questions: QUESTIONS });
          await peace(50);
          const { faultAt, downAt, backAt } = await rig.endure(kind);
          if (kind !== 'kill') detectionMs.push(downAt - faultAt);
          const settledAt = await child.call('settled', n);
          asked += QUESTIONS;
          rejected += settledAt.length;
          rejectionMs.push(Math.max(...settledAt, downAt) - downAt);
          let first: number | undefined;
          await until(async () => {
            first = await child.call('firstTick', { rig: n, since: backAt });
            return first !== undefined;
          }, PATIENCE_MS);
          firstMs.push((first ?? Number.POSITIVE_INFINITY) - backAt);
        }
      }
      progress(`rig ${n} of ${number}: done`);
    };
    try {
      await Promise.all(rigs.map(work));
      const stalledMs = await controlMs();
      return {
        did: `${kinds.map((kind) => `${faults} × ${kind}`).join(', ')}, ${asked} calls on the way`,
        checks: [
          count('calls on the way that were rejected', rejected, asked),
          time('longest until a dead link was found', Math.max(...detectionMs), DETECTION_MS, stalledMs),
          time('longest until a call was rejected', Math.max(...rejectionMs), REJECTION_MS, stalledMs),
          time('p99 until the first message was handled', p99(firstMs), FIRST_MESSAGE_MS, stalledMs),
        ],
      };
    } finally {
      await Promise.all(rigs.map((rig) => rig.stop()));
      await child.kill();
    }
  },
});

function p99(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}
