import { BusError, type Reason } from '@terabus/messages';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/index.js';
import type { Stored, StoreMessage } from '../transport/streams.js';
import { StoreLines } from './store-lines.js';

/** What a link does with one attempt; it keeps to no time that it is given. */
interface Fate {
  /** After how many milliseconds it ends. */
  readonly afterMs: number;
  readonly end: 'stored' | 'never' | 'throws' | Reason;
}

/** Draws from what fast-check gave, over and over. */
class AnyLink {
  readonly #fates: readonly Fate[];
  readonly #clock: VirtualClock;
  #n = 0;

  constructor(fates: readonly Fate[], clock: VirtualClock) {
    this.#fates = fates;
    this.#clock = clock;
  }

  store({ stream }: StoreMessage): Promise<Stored> {
    this.#n += 1;
    const { afterMs, end } = this.#fates[this.#n % this.#fates.length] as Fate;
    if (end === 'throws') throw new BusError('thrown', { reason: 'TERABUS_DISCONNECTED' });
    return new Promise((resolve, reject) => {
      if (end === 'never') return;
      this.#clock.setTimer(afterMs, () => {
        if (end === 'stored') resolve({ stream, sequence: this.#n, duplicate: false });
        else reject(new BusError(`says ${end}`, { reason: end }));
      });
    });
  }
}

type Move = { move: 'publish'; ms: number; ordered: boolean } | { move: 'wait'; ms: number } | { move: 'back' };

describe('the deadline of what is stored', () => {
  const anyFate: fc.Arbitrary<Fate> = fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(100), fc.double({ min: 0, max: 10_000, noNaN: true })),
    end: fc.constantFrom(
      'stored',
      'never',
      'throws',
      'TERABUS_STORE_UNKNOWN',
      'TERABUS_STREAM_UNAVAILABLE',
      'TERABUS_DISCONNECTED',
      'TERABUS_STREAM_FULL',
    ),
  });
  const anyMove: fc.Arbitrary<Move> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        move: fc.constant('publish' as const),
        ms: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.double({ min: 1, max: 5_000, noNaN: true })),
        ordered: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ move: fc.constant('wait' as const), ms: fc.nat(3_000) }) },
    { weight: 1, arbitrary: fc.record({ move: fc.constant('back' as const) }) },
  );

  it('is never passed, whatever a link does: everybody has an answer by then', async () => {
    const story = async (moves: Move[], fates: Fate[], random: number) => {
      const clock = new VirtualClock();
      const link = new AnyLink(fates, clock);
      const lines = new StoreLines({ streams: () => link, clock, random: () => random });
      const late: string[] = [];
      let open = 0;
      for (const each of moves) {
        if (each.move === 'wait') await clock.advance(each.ms);
        if (each.move === 'back') lines.wake();
        if (each.move !== 'publish') continue;
        const { ms, ordered } = each;
        open += 1;
        const deadline = clock.elapsed() + ms;
        const topic = ms > 5_000 ? 'long' : 'short';
        const message = { subject: topic, bytes: new Uint8Array(1), stream: 's', messageId: 'any' };
        const answered = () => {
          open -= 1;
          // A timer is set to a sum of fractions.
          if (clock.elapsed() > deadline + 1e-6) late.push(`${clock.elapsed() - deadline} ms behind ${ms} ms`);
        };
        void lines.store({ topic, message, size: 1, timeoutMs: ms, deadline, ordered }).then(answered, answered);
      }
      await clock.advance(20_000);
      expect({ late, open }).to.deep.equal({ late: [], open: 0 });
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMove, { minLength: 1, maxLength: 60 }),
        fc.array(anyFate, { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        story,
      ),
      { numRuns: 200 },
    );
  });
});
