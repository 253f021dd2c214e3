import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseAbandoned } from './abandoned.js';
import { MAX_SEQ } from './serial.js';
import { SequenceTracker } from './tracker.js';
import type { Verdict } from './verdict.js';

/** An arrival: the number alone, or with its epoch (`e1` where not said) and what its message names as abandoned. */
type Step =
  | number
  | { seq: number; epoch?: string | undefined; source?: string; abandoned?: string }
  /** A heartbeat. */
  | { last: number; epoch?: string; source?: string; abandoned?: string };

/** Each step with its verdict: `gap 2` is two missing. At the end, what is missing over all. */
interface Story {
  readonly name: string;
  readonly steps: readonly [step: Step, verdict: string][];
  readonly missing?: number;
  readonly options?: { maxCounters?: number; window?: number };
}

const stories: Story[] = [
  { name: 'the first of a counter', steps: [[1, 'first']] },
  {
    name: 'a late subscriber has missed nothing',
    steps: [
      [500, 'first'],
      [501, 'in-order'],
    ],
  },
  {
    name: 'what comes late and is older than the first was not missing',
    steps: [
      [500, 'first'],
      [499, 'late'],
      [499, 'duplicate'],
    ],
  },
  {
    name: 'in order',
    steps: [
      [1, 'first'],
      [2, 'in-order'],
      [3, 'in-order'],
    ],
  },
  {
    name: 'a duplicate of the newest',
    steps: [
      [1, 'first'],
      [1, 'duplicate'],
      [2, 'in-order'],
      [2, 'duplicate'],
    ],
  },
  {
    name: 'a duplicate of an older one',
    steps: [
      [1, 'first'],
      [2, 'in-order'],
      [3, 'in-order'],
      [1, 'duplicate'],
    ],
  },
  {
    name: 'a gap',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [5, 'in-order'],
    ],
    missing: 2,
  },
  {
    name: 'late, then a duplicate',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [3, 'late'],
      [3, 'duplicate'],
    ],
    missing: 1,
  },
  {
    name: 'all that was missing comes late',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [3, 'late'],
      [2, 'late'],
      [5, 'in-order'],
    ],
  },
  {
    name: 'a restart, once, and numbers of the old epoch after it',
    steps: [
      [{ seq: 7, epoch: 'e1' }, 'first'],
      [{ seq: 1, epoch: 'e2' }, 'restart'],
      [{ seq: 2, epoch: 'e2' }, 'in-order'],
      [{ seq: 8, epoch: 'e1' }, 'in-order'],
      [{ seq: 10, epoch: 'e1' }, 'gap 1'],
      [{ seq: 3, epoch: 'e2' }, 'in-order'],
    ],
    missing: 1,
  },
  {
    name: 'two epochs side by side: an older one that was not known',
    steps: [
      [{ seq: 1, epoch: 'e2' }, 'first'],
      [{ seq: 7, epoch: 'e1' }, 'first'],
      [{ seq: 2, epoch: 'e2' }, 'in-order'],
      [{ seq: 8, epoch: 'e1' }, 'in-order'],
      [{ seq: 1, epoch: 'e3' }, 'restart'],
    ],
  },
  {
    name: 'senders without epoch have a counter of their own, and never restart',
    steps: [
      [{ seq: 1, epoch: undefined }, 'first'],
      [{ seq: 1, epoch: 'e1' }, 'first'],
      [{ seq: 2, epoch: undefined }, 'in-order'],
      [{ seq: 2, epoch: undefined }, 'duplicate'],
      [{ seq: 2, epoch: 'e1' }, 'in-order'],
    ],
  },
  {
    name: 'sources do not meddle with each other',
    steps: [
      [{ seq: 1, source: 'service.a' }, 'first'],
      [{ seq: 5, source: 'service.b', epoch: 'e2' }, 'first'],
      [{ seq: 2, source: 'service.a' }, 'in-order'],
    ],
  },
  {
    name: 'a gap of abandoned numbers is in order',
    steps: [
      [1, 'first'],
      [{ seq: 5, abandoned: '2-4' }, 'in-order'],
    ],
  },
  {
    name: 'a gap of which some are abandoned',
    steps: [
      [1, 'first'],
      [{ seq: 9, abandoned: '3,5-6' }, 'gap 4'],
    ],
    missing: 4,
  },
  {
    name: 'named after the gap was reported',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [{ seq: 5, abandoned: '2-3' }, 'in-order'],
    ],
  },
  {
    name: 'named by one that is late itself',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [{ seq: 3, abandoned: '2' }, 'late'],
    ],
  },
  {
    name: 'named by a duplicate',
    steps: [
      [1, 'first'],
      [4, 'gap 2'],
      [{ seq: 4, abandoned: '2-3' }, 'duplicate'],
    ],
  },
  {
    name: 'named twice',
    steps: [
      [1, 'first'],
      [{ seq: 3, abandoned: '2' }, 'in-order'],
      [{ seq: 4, abandoned: '2' }, 'in-order'],
    ],
  },
  {
    name: 'abandoned, but it came',
    steps: [
      [1, 'first'],
      [2, 'in-order'],
      [{ seq: 3, abandoned: '2' }, 'in-order'],
      [2, 'duplicate'],
    ],
  },
  {
    name: 'abandoned, and it comes after that',
    steps: [
      [1, 'first'],
      [{ seq: 3, abandoned: '2' }, 'in-order'],
      [2, 'late'],
      [2, 'duplicate'],
    ],
  },
  {
    name: 'a correction does not lessen the gap that comes with it',
    steps: [
      [1, 'first'],
      [3, 'gap 1'],
      [{ seq: 5, abandoned: '2' }, 'gap 1'],
    ],
    missing: 1,
  },
  {
    name: 'more abandoned than the window has',
    steps: [
      [1, 'first'],
      [{ seq: 100_000, abandoned: '2-99999' }, 'in-order'],
    ],
  },
  {
    name: 'a leap with some abandoned beyond the window and some in it',
    steps: [
      [1, 'first'],
      [{ seq: 100_000, abandoned: '2-11,99990-99999' }, 'gap 99978'],
    ],
    missing: 99_978,
  },
  {
    name: 'numbers yet to come, named as abandoned',
    steps: [
      [1, 'first'],
      [{ seq: 2, abandoned: '1-9' }, 'in-order'],
      [4, 'gap 1'],
    ],
    missing: 1,
  },
  {
    name: 'the wrap',
    steps: [
      [MAX_SEQ - 1, 'first'],
      [MAX_SEQ, 'in-order'],
      [1, 'in-order'],
      [2, 'in-order'],
      [MAX_SEQ, 'duplicate'],
      [1, 'duplicate'],
    ],
  },
  {
    name: 'a gap over the wrap',
    steps: [
      [MAX_SEQ - 1, 'first'],
      [3, 'gap 3'],
      [MAX_SEQ, 'late'],
      [{ seq: 4, abandoned: '1' }, 'in-order'],
      [2, 'late'],
    ],
  },
  {
    name: 'abandoned over the wrap',
    steps: [
      [MAX_SEQ - 1, 'first'],
      [{ seq: 3, abandoned: `1-2,${MAX_SEQ}` }, 'in-order'],
    ],
  },
  {
    name: 'half the ring ahead is a gap, beyond it is behind',
    steps: [
      [1, 'first'],
      [2 ** 31, `gap ${2 ** 31 - 2}`],
      [MAX_SEQ, `gap ${2 ** 31 - 2}`],
      [5, 'gap 4'],
    ],
    missing: 2 ** 32,
  },
  {
    name: 'the last number of the window',
    steps: [
      [1, 'first'],
      [1_024, 'gap 1022'],
      [1, 'duplicate'],
      [2, 'late'],
      [2, 'duplicate'],
    ],
    missing: 1_021,
  },
  {
    name: 'before the window nobody knows: late, so that it is not dropped, and the total stays',
    steps: [
      [1, 'first'],
      [1_025, 'gap 1023'],
      [1, 'late'],
      [1, 'late'],
      [2, 'late'],
    ],
    missing: 1_022,
  },
  {
    name: 'abandoned before the window: too late to correct',
    steps: [
      [1, 'first'],
      [3, 'gap 1'],
      [4, 'in-order'],
      [8, 'gap 3'],
      [{ seq: 9, abandoned: '2,6' }, 'in-order'],
    ],
    options: { window: 4 },
    missing: 3,
  },
  {
    name: 'untracked',
    steps: [
      [0, 'untracked'],
      [1, 'first'],
      [0, 'untracked'],
      [2, 'in-order'],
    ],
  },
  {
    name: 'no uint32',
    steps: [
      [-1, 'untracked'],
      [1.5, 'untracked'],
      [Number.NaN, 'untracked'],
      [MAX_SEQ + 1, 'untracked'],
    ],
  },
  {
    name: 'names of any size',
    steps: [
      [{ seq: 1, epoch: 'e'.repeat(256) }, 'untracked'],
      [{ seq: 1, source: 's'.repeat(256) }, 'untracked'],
      [{ seq: 1, source: 's'.repeat(255) }, 'first'],
    ],
  },
  {
    name: 'a forgotten counter starts again as first',
    steps: [
      [{ seq: 1, source: 'a' }, 'first'],
      [{ seq: 1, source: 'b' }, 'first'],
      [{ seq: 2, source: 'a' }, 'in-order'],
      [{ seq: 1, source: 'c' }, 'first'],
      [{ seq: 3, source: 'a' }, 'in-order'],
      [{ seq: 2, source: 'b' }, 'first'],
    ],
    options: { maxCounters: 2 },
  },
  {
    name: 'what was missing stays in the total when its counter is forgotten',
    steps: [
      [1, 'first'],
      [3, 'gap 1'],
      [{ seq: 1, source: 'b' }, 'first'],
      [2, 'first'],
    ],
    options: { maxCounters: 1 },
    missing: 1,
  },
  {
    name: 'a forgotten newest epoch is no second restart, while an older one is known',
    steps: [
      [{ seq: 1, epoch: 'e1' }, 'first'],
      [{ seq: 1, epoch: 'e2' }, 'restart'],
      [{ seq: 2, epoch: 'e1' }, 'in-order'],
      [{ seq: 1, source: 'b' }, 'first'],
      [{ seq: 3, epoch: 'e1' }, 'in-order'],
      [{ seq: 2, epoch: 'e2' }, 'first'],
    ],
    options: { maxCounters: 2 },
  },
  {
    name: 'with all of a source forgotten, nothing is newer',
    steps: [
      [{ seq: 1, epoch: 'e1' }, 'first'],
      [{ seq: 1, source: 'b' }, 'first'],
      [{ seq: 1, epoch: 'e2' }, 'first'],
    ],
    options: { maxCounters: 1 },
  },
];

describe('SequenceTracker', () => {
  for (const { name, steps, missing = 0, options } of stories) {
    it(name, () => {
      const tracker = new SequenceTracker(options);
      const verdicts = steps.map(([step]) => shown(observe(tracker, step)));
      expect(verdicts).to.deep.equal(steps.map(([, verdict]) => verdict));
      expect(tracker.missingTotal).to.equal(missing);
    });
  }

  describe('of a heartbeat', () => {
    const heartbeats: Story[] = [
      {
        name: 'says nothing of a counter that is not known',
        steps: [
          [{ last: 5 }, 'in-order'],
          [5, 'first'],
        ],
      },
      {
        name: 'says nothing of an epoch that is not known, whose first message is a restart still',
        steps: [
          [{ seq: 1, epoch: 'e1' }, 'first'],
          [{ last: 5, epoch: 'e2' }, 'in-order'],
          [{ seq: 6, epoch: 'e2' }, 'restart'],
        ],
      },
      {
        name: 'is content when all came',
        steps: [
          [1, 'first'],
          [2, 'in-order'],
          [{ last: 2 }, 'in-order'],
        ],
      },
      {
        name: 'is content when later ones came',
        steps: [
          [7, 'first'],
          [{ last: 5 }, 'in-order'],
          [8, 'in-order'],
        ],
      },
      {
        name: 'tells what is missing at the end, once, and the next message is in order',
        steps: [
          [1, 'first'],
          [{ last: 4 }, 'gap 3'],
          [{ last: 4 }, 'in-order'],
          [5, 'in-order'],
        ],
        missing: 3,
      },
      {
        name: 'tells of a tail behind a gap that is known only what is new',
        steps: [
          [1, 'first'],
          [3, 'gap 1'],
          [{ last: 4 }, 'gap 1'],
        ],
        missing: 2,
      },
      {
        name: 'is corrected by what comes late',
        steps: [
          [1, 'first'],
          [{ last: 3 }, 'gap 2'],
          [3, 'late'],
          [3, 'duplicate'],
          [2, 'late'],
          [4, 'in-order'],
        ],
      },
      {
        name: 'excuses what its sender has abandoned, at the end and before',
        steps: [
          [1, 'first'],
          [4, 'gap 2'],
          [{ last: 6, abandoned: '2-3,5-6' }, 'in-order'],
          [7, 'in-order'],
        ],
      },
      {
        name: 'leaves an abandoned number late when it did arrive',
        steps: [
          [1, 'first'],
          [{ last: 2, abandoned: '2' }, 'in-order'],
          [2, 'late'],
          [2, 'duplicate'],
          [3, 'in-order'],
        ],
      },
      {
        name: 'counts around the wrap and beyond the window',
        options: { window: 4 },
        steps: [
          [MAX_SEQ, 'first'],
          [{ last: 10 }, 'gap 10'],
          [11, 'in-order'],
        ],
        missing: 10,
      },
      {
        name: 'is nothing with a number that is none',
        steps: [
          [1, 'first'],
          [{ last: 0 }, 'in-order'],
          [2, 'in-order'],
        ],
      },
    ];
    for (const { name, steps, missing = 0, options } of heartbeats) {
      it(name, () => {
        const tracker = new SequenceTracker(options);
        const verdicts = steps.map(([step]) => shown(observe(tracker, step)));
        expect(verdicts).to.deep.equal(steps.map(([, verdict]) => verdict));
        expect(tracker.missingTotal).to.equal(missing);
      });
    }

    it('keeps its counter from being forgotten', () => {
      const tracker = new SequenceTracker({ maxCounters: 2 });
      for (const source of ['a', 'b']) observe(tracker, { seq: 1, source });
      observe(tracker, { last: 1, source: 'a' });
      observe(tracker, { seq: 1, source: 'c' });
      expect(shown(observe(tracker, { seq: 2, source: 'a' }))).to.equal('in-order');
    });
  });

  it('takes no epoch for the newest that may not be it, and counts it all the same', () => {
    const tracker = new SequenceTracker({ mayBeNewest: (epoch) => epoch !== 'z' });
    const steps = [
      { seq: 1, epoch: 'e1' },
      { seq: 1, epoch: 'z' },
      { seq: 1, epoch: 'z' },
      { seq: 1, epoch: 'e2' },
    ];
    expect(steps.map((step) => shown(observe(tracker, step)))).to.deep.equal([
      'first',
      'first',
      'duplicate',
      'restart',
    ]);
  });

  it('keeps the verdict of a first arrival for its redeliveries, which are not shown to it', () => {
    const tracker = new SequenceTracker();
    const verdicts = new Map<number, Verdict>();
    // What a durable subscription does: `attempt` says whether it is the first delivery of a message.
    const deliver = (seq: number, attempt: number): string => {
      const verdict = attempt === 1 ? observe(tracker, seq) : verdicts.get(seq);
      if (verdict !== undefined) verdicts.set(seq, verdict);
      return shown(verdict);
    };
    const log = [deliver(1, 1), deliver(3, 1), deliver(3, 2), deliver(1, 2), deliver(2, 1), deliver(2, 2)];
    expect(log).to.deep.equal(['first', 'gap 1', 'gap 1', 'first', 'late', 'late']);
    expect(tracker.missingTotal).to.equal(0);
  });

  it('keeps 10,000 counters', () => {
    const tracker = new SequenceTracker();
    for (let i = 0; i <= 10_000; i++) observe(tracker, { seq: 1, source: `s${i}` });
    expect(tracker.size).to.equal(10_000);
    expect(shown(observe(tracker, { seq: 2, source: 's1' }))).to.equal('in-order');
    expect(shown(observe(tracker, { seq: 2, source: 's0' }))).to.equal('first');
  });
});

function observe(tracker: SequenceTracker, step: Step): Verdict {
  if (typeof step === 'object' && 'last' in step) {
    const { last, source = 'module.TeraServer.LoginModule', epoch = 'e1', abandoned } = step;
    return tracker.observeLast({
      source,
      epoch,
      destination: 'module.TeraServer.UserManagerModule.messages',
      seq: last,
      abandoned: abandoned === undefined ? undefined : parseAbandoned(abandoned),
    });
  }
  const { seq, source, abandoned, ...rest } = typeof step === 'number' ? { seq: step } : step;
  return tracker.observe({
    source: source ?? 'module.TeraServer.LoginModule',
    epoch: 'epoch' in rest ? rest.epoch : 'e1',
    destination: 'module.TeraServer.UserManagerModule.messages',
    seq,
    abandoned: abandoned === undefined ? undefined : parseAbandoned(abandoned),
  });
}

function shown(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'nothing';
  return verdict.missing === 0 ? verdict.kind : `${verdict.kind} ${verdict.missing}`;
}
