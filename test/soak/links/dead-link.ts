import { Child } from '../run/child.js';
import { count, defineFigure, quantile, type Timed, time } from '../run/figure.js';
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
    const detections: Timed[] = [];
    const rejections: Timed[] = [];
    const firsts: Timed[] = [];
    let deaf = 0;
    let asked = 0;
    let rejected = 0;

    const work = async (rig: Rig, n: number) => {
      const share = Math.floor(faults / number) + (n < faults % number ? 1 : 0);
      for (const kind of kinds) {
        for (let fault = 0; fault < share; fault++) {
          await peace(100);
          await child.call('ask', { rig: n, questions: QUESTIONS });
          await peace(50);
          const stalledMs = control.watch();
          const { faultAt, downAt, backAt } = await rig.endure(kind);
          asked += QUESTIONS;
          let first: number | undefined;
          await until(async () => {
            first = await child.call('firstTick', { rig: n, since: backAt });
            return first !== undefined;
          }, PATIENCE_MS);
          const settled = await child.call('settled', n);
          rejected += settled.filter(
            ({ at, reason, retryable }) => at >= faultAt && reason === 'TERABUS_DISCONNECTED' && retryable,
          ).length;
          const controlMs = await stalledMs();
          if (kind !== 'kill') detections.push({ ms: downAt - faultAt, controlMs });
          rejections.push({ ms: Math.max(...settled.map(({ at }) => at), downAt) - downAt, controlMs });
          firsts.push({ ms: (first ?? Number.POSITIVE_INFINITY) - backAt, controlMs });
          deaf += Number(first === undefined);
        }
      }
      progress(`rig ${n} of ${number}: done`);
    };
    try {
      await Promise.all(rigs.map(work));
      const found = quantile(detections, 1);
      const ended = quantile(rejections, 1);
      const first = quantile(firsts, 0.99);
      return {
        did: `${kinds.map((kind) => `${faults} × ${kind}`).join(', ')}, ${asked} calls on the way`,
        checks: [
          count('calls on the way that were rejected as retryable', rejected, asked),
          count('links that brought nothing any more', deaf),
          time('longest until a dead link was found', found.ms, DETECTION_MS, found.controlMs),
          time('longest until a call was rejected', ended.ms, REJECTION_MS, ended.controlMs),
          time('p99 until the first message was handled', first.ms, FIRST_MESSAGE_MS, first.controlMs),
        ],
      };
    } finally {
      await Promise.all(rigs.map((rig) => rig.stop()));
      await child.kill();
    }
  },
});
