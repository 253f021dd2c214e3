import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { formatAbandoned, parseAbandoned } from './abandoned.js';
import type { SequenceRanges } from './ranges.js';
import { Sequencer, type SequenceStamp } from './sequencer.js';
import { MAX_SEQ, step } from './serial.js';
import { SequenceTracker } from './tracker.js';

describe('the tracker against a model of sets', () => {
  const window = 8;
  const anyMove = fc.record({
    epoch: fc.constantFrom(undefined, 'e1', 'e2', 'e3'),
    // From the newest of its epoch: behind, ahead, far ahead.
    by: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -12, max: 6 }) },
      { weight: 1, arbitrary: fc.integer({ min: 7, max: 40 }) },
    ),
    abandoned: fc.array(fc.tuple(fc.integer({ min: -30, max: 2 }), fc.nat(6)), { maxLength: 2 }),
  });

  it('gives the same verdicts and the same total', () => {
    fc.assert(
      fc.property(fc.integer({ min: -30, max: 30 }), fc.array(anyMove, { maxLength: 60 }), (start, moves) => {
        const tracker = new SequenceTracker({ window });
        const model = new Model(window);
        for (const { epoch, by, abandoned } of moves) {
          // Unwrapped numbers around 0 stand for those around the wrap.
          const at = (model.newest(epoch) ?? start) + by;
          const named = new Set(
            abandoned.flatMap(([from, n]) => Array.from({ length: n + 1 }, (_, i) => at + from + i)),
          );
          const verdict = tracker.observe({
            source: 'module.A',
            destination: 'module.B.messages',
            epoch,
            seq: wrapped(at),
            abandoned: rangesOf([...named].map(wrapped)),
          });
          expect(verdict).to.deep.equal(model.observe(epoch, at, named));
          expect(tracker.missingTotal).to.equal(model.missing());
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the sequencer and the tracker over a bad channel', () => {
  const anyMessage = fc.record({
    outcome: fc.constantFrom('sent', 'sent', 'sent', 'rejected', 'unconfirmed', 'unconfirmed-later'),
    settledAfter: fc.nat(6),
    arrives: fc.boolean(),
    copies: fc.constantFrom(1, 1, 1, 2, 3),
    delays: fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
  });

  it('accounts for every number: given = arrived + missing + abandoned', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 150 }), (messages) => {
        const sequencer = new Sequencer({ newEpoch: () => 'e1' });
        const channel: { at: number; stamp: SequenceStamp }[] = [];
        const settles: { at: number; settle: () => void }[] = [];

        // The first and the last arrive, else nothing is known of what came before and after.
        const reliable = { outcome: 'sent', settledAfter: 0, arrives: true, copies: 1, delays: [0] } as const;
        const all = [reliable, ...messages, { ...reliable, delays: [100] }];
        for (const [now, message] of all.entries()) {
          for (const { settle } of take(settles, (entry) => entry.at <= now)) settle();
          const stamp = sequencer.next('module.B.messages');
          const gone = message.outcome === 'rejected' || !message.arrives;
          for (let i = 0; i < message.copies && !gone; i++) channel.push({ at: now + (message.delays[i] ?? 0), stamp });
          settles.push({
            at: now + message.settledAfter,
            settle: () => {
              if (message.outcome === 'sent' || message.outcome === 'unconfirmed-later') sequencer.sent(stamp);
              if (message.outcome !== 'sent') sequencer.abandon(stamp);
            },
          });
        }

        const tracker = new SequenceTracker();
        const arrived = new Set<number>();
        const named = new Set<number>();
        let taken = 0;
        for (const { stamp } of channel.sort((a, b) => a.at - b.at)) {
          const header = formatAbandoned(stamp.abandoned);
          const abandoned = header === undefined ? undefined : parseAbandoned(header);
          const { kind } = tracker.observe({ source: 'module.A', ...stamp, abandoned });
          expect(kind === 'duplicate').to.equal(arrived.has(stamp.seq));
          if (kind !== 'duplicate') taken++;
          arrived.add(stamp.seq);
          for (const { first, last } of stamp.abandoned) for (let n = first; n <= last; n++) named.add(n);
        }

        const given = all.map((_, i) => i + 1);
        const abandoned = given.filter((n) => named.has(n) && !arrived.has(n)).length;
        expect(taken).to.equal(arrived.size);
        expect(taken + tracker.missingTotal + abandoned).to.equal(given.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it('counts nothing as missing when all that was handed over arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (handedOver) => {
        const sequencer = new Sequencer({ newEpoch: () => 'e1' });
        const tracker = new SequenceTracker();
        for (const ok of [true, ...handedOver]) {
          const stamp = sequencer.next('module.B.messages');
          sequencer[ok ? 'sent' : 'abandon'](stamp);
          if (ok) expect(tracker.observe({ source: 'module.A', ...stamp }).kind).to.be.oneOf(['first', 'in-order']);
        }
        expect(tracker.missingTotal).to.equal(0);
      }),
    );
  });
});

/** What the tracker promises, with unbounded numbers and sets in place of a ring. */
class Model {
  readonly #counters = new Map<string | undefined, { newest: number; came: Set<number>; missing: Set<number> }>();
  #newestEpoch: string | undefined;
  #lost = 0;

  constructor(readonly window: number) {}

  newest(epoch: string | undefined): number | undefined {
    return this.#counters.get(epoch)?.newest;
  }

  missing(): number {
    return this.#lost + [...this.#counters.values()].reduce((sum, { missing }) => sum + missing.size, 0);
  }

  observe(epoch: string | undefined, seq: number, abandoned: ReadonlySet<number>): { kind: string; missing: number } {
    const counter = this.#counters.get(epoch);
    if (counter === undefined) {
      this.#counters.set(epoch, { newest: seq, came: new Set([seq]), missing: new Set() });
      const known = this.#newestEpoch;
      if (epoch !== undefined && (known === undefined || epoch > known)) this.#newestEpoch = epoch;
      return { kind: known !== undefined && known !== this.#newestEpoch ? 'restart' : 'first', missing: 0 };
    }
    for (const n of abandoned) counter.missing.delete(n);
    if (seq <= counter.newest) {
      if (counter.came.has(seq)) return { kind: 'duplicate', missing: 0 };
      counter.missing.delete(seq);
      if (seq > counter.newest - this.window) counter.came.add(seq);
      return { kind: 'late', missing: 0 };
    }
    let gap = 0;
    for (let n = counter.newest + 1; n < seq; n++) {
      if (abandoned.has(n)) continue;
      gap++;
      counter.missing.add(n);
    }
    counter.newest = seq;
    counter.came.add(seq);
    // What leaves the window is forgotten if it came, and lost if it did not.
    for (const n of counter.came) if (n <= seq - this.window) counter.came.delete(n);
    for (const n of counter.missing) if (n <= seq - this.window && counter.missing.delete(n)) this.#lost++;
    return { kind: gap === 0 ? 'in-order' : 'gap', missing: gap };
  }
}

function wrapped(unwrapped: number): number {
  return step(MAX_SEQ, unwrapped);
}

function rangesOf(numbers: readonly number[]): SequenceRanges {
  const ranges: { first: number; last: number }[] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.last === n - 1) last.last = n;
    else ranges.push({ first: n, last: n });
  }
  return ranges;
}

function take<T>(entries: T[], which: (entry: T) => boolean): T[] {
  const taken = entries.filter(which);
  entries.splice(0, entries.length, ...entries.filter((entry) => !which(entry)));
  return taken;
}
