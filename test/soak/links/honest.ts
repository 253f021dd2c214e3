import { Child } from '../run/child.js';
import { atLeast, count, defineFigure, quantile, type Timed, time } from '../run/figure.js';
import type { LinksMethods } from './links-process.js';
import { type Endured, type FaultKind, peace, Rig } from './rig.js';

const EVERY_MS = 5;
const REPORT_MS = 100;
/** How often which: a third of them is found out only after seconds. */
const KINDS: readonly FaultKind[] = ['cut', 'cut', 'cut', 'kill', 'kill', 'blackhole'];

interface Size {
  readonly rigs: number;
  readonly disconnects: number;
}

/** What is published is delivered, rejected, or told to be unconfirmed. */
export const honest = defineFigure<Size>({
  name: 'honest-publishing',
  promise: 'what is published while links break is delivered, rejected or told to be unconfirmed, within 100 ms',
  sizes: {
    small: { rigs: 2, disconnects: 5 },
    short: { rigs: 10, disconnects: 200 },
    long: { rigs: 10, disconnects: 1_000 },
  },
  async run({ rigs: number, disconnects }, { random, control, progress }) {
    const child = await Child.start<LinksMethods>(new URL('./links-process.js', import.meta.url));
    const rigs = await Promise.all(Array.from({ length: number }, (_, n) => Rig.start(n, child)));
    const done: Record<string, number> = {};
    const total = {
      attempted: 0,
      arrived: 0,
      rejected: 0,
      unconfirmed: 0,
      silent: 0,
      rejectedYetThere: 0,
      twice: 0,
      ofNone: 0,
    };
    const reports: Timed[] = [];
    const notes: string[] = [];

    const work = async (rig: Rig, n: number) => {
      const chance = random.fork(`rig ${n}`);
      await child.call('publish', { rig: n, everyMs: EVERY_MS });
      const share = Math.floor(disconnects / number) + (n < disconnects % number ? 1 : 0);
      const endured: (Endured & { readonly controlMs: number })[] = [];
      for (let fault = 0; fault < share; fault++) {
        await peace(20 + chance.below(150));
        const kind = disconnects <= KINDS.length ? (KINDS[n * share + fault] as FaultKind) : chance.pick(KINDS);
        const controlMs = control.watch();
        const fate = await rig.endure(kind);
        endured.push({ ...fate, controlMs: await controlMs() });
        done[kind] = (done[kind] ?? 0) + 1;
      }
      await peace(50);
      const { attempted, rejected, unconfirmed, toldAt } = await child.call('finish', n);
      await rig.flush();
      // At the end, so that no report comes too late to be seen.
      for (const { kind, disconnect, faultAt, downAt, controlMs } of endured) {
        // Who is cut off at once has to say so at once; who hears nothing more has to find out first.
        const endedAt = kind === 'blackhole' ? downAt : faultAt;
        const ms = Math.max(toldAt[disconnect] ?? downAt, downAt) - endedAt;
        if (ms > REPORT_MS) notes.push(`rig ${n}, disconnect ${disconnect}, ${kind}: told after ${Math.round(ms)} ms`);
        reports.push({ ms, controlMs });
      }
      const disconnected = (await child.call('link', n)).downAt.length;
      total.ofNone += Object.keys(toldAt).filter((disconnect) => Number(disconnect) >= disconnected).length;
      const ended = new Set([...rejected, ...unconfirmed]);
      for (let id = 0; id < attempted; id++) {
        if (rig.arrived.has(id) || ended.has(id)) continue;
        total.silent += 1;
        notes.push(`rig ${n}: ${id} was lost without a word`);
      }
      total.attempted += attempted;
      total.arrived += rig.arrived.size;
      total.rejected += rejected.length;
      total.unconfirmed += unconfirmed.length;
      total.rejectedYetThere += rejected.filter((id) => rig.arrived.has(id)).length;
      total.twice += [...rig.arrived.values()].filter((times) => times > 1).length;
      progress(`rig ${n} of ${number}: ${share} disconnects, ${attempted} published`);
    };
    try {
      await Promise.all(rigs.map(work));
      const latest = quantile(reports, 1);
      const text = (value: number) => value.toLocaleString('en-US');
      const kinds = Object.entries(done).map(([kind, times]) => `${kind} ${times}`);
      return {
        did:
          `${disconnects} disconnects (${kinds.join(', ')}) under ${text(total.attempted)} publishes: ` +
          `${text(total.arrived)} delivered, ${text(total.rejected)} rejected, ${text(total.unconfirmed)} unconfirmed`,
        checks: [
          count('lost without a word', total.silent),
          count('rejected and delivered all the same', total.rejectedYetThere),
          count('delivered twice', total.twice),
          count('told to be unconfirmed without a disconnect', total.ofNone),
          atLeast('told to be unconfirmed', total.unconfirmed, 1),
          atLeast('delivered without a word', total.attempted - total.rejected - total.unconfirmed, disconnects),
          time('latest report after the end of the link', latest.ms, REPORT_MS, latest.controlMs),
        ],
        notes: notes.slice(0, 20),
      };
    } finally {
      await Promise.all(rigs.map((rig) => rig.stop()));
      await child.kill();
    }
  },
});
