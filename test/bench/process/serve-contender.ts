import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { atMost } from '../../soak/backlog/at-most.js';
import { serve } from '../../soak/run/child-process.js';
import { sharedNow } from '../../soak/run/stall-meter.js';
import type { Setting } from '../cases/case.js';
import { quantiles } from '../run/statistics.js';
import { codecMs } from './codec-ms.js';
import type { Contender, Place, Sender } from './contender.js';
import { Credit, openCredit } from './credit.js';
import { Meters, settledMemory } from './meters.js';
import { Tally } from './tally.js';

/** What a process is told before it works. */
export interface Opening extends Place {
  /** The socket on which the subscriber tells how much has arrived. */
  readonly creditPath: string;
  /** After how many events it tells. */
  readonly creditStep: number;
  /** What is waited for, where it may arrive at once. */
  readonly aim?: Aim;
}

/** What a subscriber waits for. */
export interface Aim {
  /** So many messages, of all that ever came. */
  readonly target: number;
  /** Keeps when each arrived. */
  readonly timed?: boolean;
  /** Meters begin when as many have arrived. */
  readonly mark?: number;
}

/** Messages `from`, `from + 1` and so on. */
export interface Range {
  readonly from: number;
  readonly count: number;
}

/** After so many envelopes in one go the event loop turns. */
const PER_TURN = 64;

/** Offers a contender to the bench, for either side of a workload. */
export function serveContender(contender: Contender): void {
  serve(makeMethods(contender));
}

export type ContenderMethods = ReturnType<typeof makeMethods>;

function makeMethods(contender: Contender) {
  let tally: Tally;
  let sender: Sender;
  let credit: Credit;
  let meters: Meters;
  let setting: Setting;
  let markedAt = 0;
  const sidesOf = (workload: Setting['workload']) => {
    const sides = workload === 'encode' || workload === 'decode' ? undefined : contender[workload];
    if (sides === undefined) throw new Error(`this contender does not do ${workload}`);
    return sides;
  };
  const aim = ({ target, timed, mark }: Aim) => {
    tally.aim(target, timed);
    if (mark === undefined) return;
    tally.mark(mark, () => {
      markedAt = sharedNow();
      meters = new Meters();
    });
  };
  return {
    prepare: (place: Place) => sidesOf(place.setting.workload).prepare?.(place),
    async receive({ creditPath, creditStep, aim: first, ...place }: Opening): Promise<void> {
      const sides = sidesOf(place.setting.workload);
      tally = new Tally(sides.lanes?.(place.setting) ?? 0);
      if (creditStep > 0) tally.report(creditStep, await openCredit(creditPath));
      if (first !== undefined) aim(first);
      await sides.receive(place, tally.take);
    },
    async send({ creditPath, creditStep, ...place }: Opening): Promise<void> {
      ({ setting } = place);
      if (creditStep > 0) credit = await Credit.connect(creditPath);
      sender = await sidesOf(setting.workload).send(place);
    },
    aim,
    reached: () => tally.reached(),
    markedAt: () => markedAt,
    arrived: () => tally.arrived(),
    times: () => tally.times,
    /** Hands over as fast as the subscriber keeps up, and tells when it began. */
    async stream({ from, count, window }: Range & { window: number }): Promise<number> {
      const began = sharedNow();
      const end = from + count;
      let inTurn = 0;
      for (let n = from; n < end; n += setting.perEnvelope) {
        while (n + setting.perEnvelope - credit.received > window) await credit.more();
        void sender.hand(n);
        inTurn += 1;
        if (inTurn % PER_TURN === 0) await turn();
      }
      await sender.flush();
      return began;
    },
    /** Hands over so many a second, and tells when it handed over each. */
    async pace({ from, count, perSecond }: Range & { perSecond: number }): Promise<Float64Array> {
      const sent = new Float64Array(count);
      const began = sharedNow();
      for (let n = 0; n < count; n++) {
        while (sharedNow() - began < (n * 1_000) / perSecond) await pause(1);
        sent[n] = sharedNow();
        void sender.hand(from + n);
      }
      await sender.flush();
      return sent;
    },
    /** Makes calls, and tells how long all and each of them took: milliseconds, and microseconds. */
    async calls({ from, count }: Range) {
      const took = new Float64Array(count);
      let begun = 0;
      const ms = await atMost(count, setting.inFlight, async () => {
        const index = begun;
        begun += 1;
        const start = performance.now();
        await sender.hand(from + index);
        took[index] = (performance.now() - start) * 1_000;
      });
      return { ms, ...quantiles(took) };
    },
    begin: () => {
      meters = new Meters();
    },
    end: () => meters.end(),
    settledMemory: () => settledMemory(),
    /** Encodes or decodes, and tells how many milliseconds that took. */
    codec({ setting: given, count }: { setting: Setting; count: number }): number {
      return codecMs(contender, given, count);
    },
  };
}
