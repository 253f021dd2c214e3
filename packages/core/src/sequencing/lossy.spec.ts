import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Clock, Timer } from '../transport/clock.js';
import { formatAbandoned, parseAbandoned } from './abandoned.js';
import { HEARTBEATS_AFTER_MS, Heartbeats } from './heartbeat.js';
import type { SequenceStamp } from './sequencer.js';
import { Sequencer } from './sequencer.js';
import { SequenceTracker } from './tracker.js';

/** What lets numbers change places: less than the time after which a heartbeat follows a message. */
const LONGEST_DELAY_MS = 300;
const DESTINATIONS = ['a', 'b', 'c'];
const SENDERS = 2;
const RECEIVERS = 2;

/** What a link does to one message, for one receiver. */
const anyPassage = fc.record({
  lost: fc.integer({ min: 0, max: 9 }).map((n) => n < 2),
  delays: fc.oneof(
    { weight: 8, arbitrary: fc.constant([0]) },
    { weight: 2, arbitrary: fc.array(fc.nat(LONGEST_DELAY_MS), { minLength: 1, maxLength: 3 }) },
  ),
});
const anyMessage = fc.record({
  kind: fc.constant('message' as const),
  sender: fc.nat(SENDERS - 1),
  destination: fc.constantFrom(...DESTINATIONS),
  outcome: fc.constantFrom('sent', 'sent', 'sent', 'sent', 'rejected', 'unconfirmed'),
  settledAfterMs: fc.oneof(fc.constant(0), fc.nat(700)),
  unconfirmedAfterMs: fc.nat(3_000),
  passages: fc.array(anyPassage, { minLength: RECEIVERS, maxLength: RECEIVERS }),
});
const anyEvent = fc.oneof(
  { weight: 30, arbitrary: anyMessage },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('sender restarts' as const),
      sender: fc.nat(SENDERS - 1),
      calmly: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('receiver restarts' as const), receiver: fc.nat(RECEIVERS - 1) }),
  },
);
const anyRun = fc.array(fc.record({ event: anyEvent, pauseMs: fc.oneof(fc.nat(20), fc.nat(3_000)) }), {
  maxLength: 120,
});
/** Which of the heartbeats that come before the last one are lost, in turns. */
const anyLosses = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 });

describe('sequencers, heartbeats and trackers over links that lose, repeat and swap', () => {
  it('find every loss, up to the last message, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun, anyLosses, async (run, losses) => {
        const world = new World(losses);
        for (const { event, pauseMs } of run) {
          world.play(event);
          world.clock.advance(pauseMs);
        }
        // Until all is settled and the last heartbeats have come.
        world.clock.advance(20_000);
        for (const receiver of world.receivers) {
          const { least, most } = world.truthFor(receiver);
          expect(receiver.tracker.missingTotal).to.be.within(least, most);
          expect(receiver.wrong).to.deep.equal([]);
        }
        expect(world.clock.pending).to.equal(0);
      }),
      { numRuns: 400 },
    );
  });
});

type Event = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never;
type Message = Extract<Event, { kind: 'message' }>;

/** Senders and receivers, with a link from each to each. */
class World {
  readonly clock = new ManualClock();
  readonly receivers = Array.from({ length: RECEIVERS }, () => new Receiver());
  readonly #losses: readonly boolean[];
  readonly #ledger = new Ledger();
  #heartbeats = 0;
  #epochs = 0;
  readonly #senders: Sender[];

  constructor(losses: readonly boolean[]) {
    this.#losses = losses;
    this.#senders = Array.from({ length: SENDERS }, (_, n) => this.#sender(`module.S${n}`));
  }

  /**
   * How many numbers are truly missing: those that were handed over and did not arrive, between the first that did and
   * the last that was given. It takes both views for right in what nobody can know: whether an unconfirmed message is
   * a loss, and what a sender that died had still to name.
   */
  truthFor(receiver: Receiver): { readonly least: number; readonly most: number } {
    const truth = { least: 0, most: 0 };
    for (const [key, { first, last: heard, arrived }] of receiver.known) {
      const { given, handedOver, unconfirmed, isAlive } = this.#ledger.of(key);
      for (let n = first; n <= (isAlive() ? given : heard); n++) {
        if (arrived.has(n)) continue;
        if (handedOver.has(n) && !unconfirmed.has(n)) truth.least += 1;
        if (handedOver.has(n) || !isAlive()) truth.most += 1;
      }
    }
    return truth;
  }

  play(event: Event): void {
    if (event.kind === 'message') this.#senders[event.sender]?.send(event);
    else if (event.kind === 'receiver restarts') this.receivers[event.receiver]?.restart();
    else {
      const sender = this.#senders[event.sender] as Sender;
      sender.end(event.calmly);
      this.#senders[event.sender] = this.#sender(sender.source);
    }
  }

  #sender(source: string): Sender {
    const epoch = `e${`${this.#epochs++}`.padStart(4, '0')}`;
    return new Sender(source, epoch, this.clock, this.receivers, this.#ledger, (last) => {
      this.#heartbeats += 1;
      return !last && (this.#losses[this.#heartbeats % this.#losses.length] as boolean);
    });
  }
}

/** What became of the messages of one (source, epoch, destination), as only their sender knows. */
interface Account {
  given: number;
  readonly handedOver: Set<number>;
  readonly unconfirmed: Set<number>;
  isAlive: () => boolean;
}

class Ledger {
  readonly #accounts = new Map<string, Account>();

  of(key: string): Account {
    const account = this.#accounts.get(key) ?? {
      given: 0,
      handedOver: new Set(),
      unconfirmed: new Set(),
      isAlive: () => true,
    };
    this.#accounts.set(key, account);
    return account;
  }
}

class Sender {
  readonly #sequencer: Sequencer;
  readonly #heartbeats: Heartbeats;
  /** When the last message to each destination was settled. */
  readonly #settledMs = new Map<string, number>();
  #dead = false;
  #ending = false;

  constructor(
    readonly source: string,
    epoch: string,
    readonly clock: ManualClock,
    readonly receivers: readonly Receiver[],
    readonly ledger: Ledger,
    isLost: (last: boolean) => boolean,
  ) {
    this.#sequencer = new Sequencer({ newEpoch: () => epoch });
    this.#heartbeats = new Heartbeats({
      clock,
      sequencer: this.#sequencer,
      publish: async (stamp) => {
        const silentMs = clock.elapsed() - (this.#settledMs.get(stamp.destination) ?? 0);
        for (const receiver of receivers) {
          if (!isLost(this.#ending || silentMs >= Math.max(...HEARTBEATS_AFTER_MS)))
            receiver.hear(source, stamp, clock);
        }
      },
    });
  }

  send({ destination, outcome, settledAfterMs, unconfirmedAfterMs, passages }: Message): void {
    const stamp = this.#sequencer.next(destination);
    const account = this.ledger.of(keyOf(this.source, stamp));
    account.given = stamp.seq;
    account.isAlive = () => !this.#dead;
    this.#heartbeats.began(destination);
    const settle = () => {
      if (this.#dead) return;
      if (outcome === 'rejected') this.#sequencer.abandon(stamp);
      else {
        this.#sequencer.sent(stamp);
        account.handedOver.add(stamp.seq);
        for (const [n, { lost, delays }] of passages.entries()) {
          for (const delayMs of lost ? [] : delays) {
            this.clock.setTimer(delayMs, () => this.receivers[n]?.take(this.source, stamp));
          }
        }
      }
      this.#settledMs.set(destination, this.clock.elapsed());
      this.#heartbeats.settled(destination);
      if (outcome !== 'unconfirmed') return;
      this.clock.setTimer(unconfirmedAfterMs, () => {
        if (this.#dead) return;
        account.unconfirmed.add(stamp.seq);
        this.#sequencer.abandon(stamp);
        this.#settledMs.set(destination, this.clock.elapsed());
        this.#heartbeats.again(destination);
      });
    };
    if (settledAfterMs === 0) settle();
    else this.clock.setTimer(settledAfterMs, settle);
  }

  /** Calmly it tells its last numbers; else it is dead, and nobody can know what it sent last. */
  end(calmly: boolean): void {
    this.#ending = true;
    if (calmly) void this.#heartbeats.end();
    else this.#heartbeats.cancel();
    this.#dead = true;
  }
}

/** What a receiver can know of one (source, epoch, destination). */
interface Known {
  readonly first: number;
  last: number;
  readonly arrived: Set<number>;
  readonly abandoned: Set<number>;
}

class Receiver {
  tracker = new SequenceTracker();
  readonly known = new Map<string, Known>();
  /** Verdicts that were not the right ones. */
  readonly wrong: string[] = [];

  restart(): void {
    this.tracker = new SequenceTracker();
    this.known.clear();
  }

  take(source: string, stamp: SequenceStamp): void {
    const { kind } = this.tracker.observe({ source, ...stamp, abandoned: overTheWire(stamp) });
    const known = this.known.get(keyOf(source, stamp));
    if ((kind === 'duplicate') !== (known?.arrived.has(stamp.seq) ?? false)) this.wrong.push(`${kind} ${stamp.seq}`);
    const { arrived } = this.#learn(source, stamp, known ?? newlyKnown(stamp.seq));
    arrived.add(stamp.seq);
  }

  hear(source: string, stamp: SequenceStamp, { elapsed }: Clock): void {
    const verdict = this.tracker.observeLast({ source, ...stamp, abandoned: overTheWire(stamp) });
    const known = this.known.get(keyOf(source, stamp));
    const before = known === undefined ? 0 : missingOf(known);
    if (known !== undefined) this.#learn(source, stamp, known);
    const found = known === undefined ? 0 : Math.max(0, missingOf(known) - before);
    if (found > 0 && verdict.missing < found) this.wrong.push(`${verdict.kind} ${stamp.seq} at ${elapsed()}`);
  }

  #learn(source: string, stamp: SequenceStamp, known: Known): Known {
    this.known.set(keyOf(source, stamp), known);
    known.last = Math.max(known.last, stamp.seq);
    for (const { first, last } of stamp.abandoned) for (let n = first; n <= last; n++) known.abandoned.add(n);
    return known;
  }
}

const keyOf = (source: string, { epoch, destination }: SequenceStamp) => `${source} ${epoch} ${destination}`;
const newlyKnown = (seq: number): Known => ({ first: seq, last: seq, arrived: new Set(), abandoned: new Set() });

function missingOf({ first, last, arrived, abandoned }: Known): number {
  let missing = 0;
  for (let n = first; n <= last; n++) if (!arrived.has(n) && !abandoned.has(n)) missing += 1;
  return missing;
}

function overTheWire({ abandoned }: SequenceStamp) {
  const text = formatAbandoned(abandoned);
  return text === undefined ? undefined : parseAbandoned(text);
}

/** A clock whose timers are called inside of `advance`, without a turn of the event loop. */
class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  get pending(): number {
    return this.#timers.size;
  }
  readonly now = () => this.#nowMs;
  readonly elapsed = () => this.#nowMs;
  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }
}
