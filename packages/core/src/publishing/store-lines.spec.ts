import { BusError, type Reason } from '@terabus/messages';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { rejection } from '../service/stage.spec.js';
import { VirtualClock } from '../transport/memory/index.js';
import type { Stored, StoreMessage } from '../transport/streams.js';
import { StoreLines } from './store-lines.js';

interface Attempt {
  readonly id: string;
  readonly timeoutMs: number;
  readonly at: number;
  /** The stream has it, and says so. */
  readonly take: () => void;
  /** The stream has it, and the answer is lost. */
  readonly takeUnheard: () => void;
  readonly fail: (reason: Reason) => void;
}

/** A stream that does what a story says with each attempt, and knows message ids. */
class ScriptedStream {
  /** What lies in it, by message id. */
  readonly stored: string[] = [];
  readonly attempts: Attempt[] = [];
  /** Those that were not answered yet. */
  open: Attempt[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  store(message: StoreMessage, timeoutMs: number): Promise<Stored> {
    return new Promise((resolve, reject) => {
      const id = message.messageId;
      const end = <A extends unknown[]>(what: (...args: A) => void) => {
        return (...args: A) => {
          timer.cancel();
          this.open = this.open.filter((each) => each !== attempt);
          what(...args);
        };
      };
      const fail = (reason: Reason) => reject(new BusError(`says ${reason}`, { reason }));
      const attempt: Attempt = {
        id,
        timeoutMs,
        at: this.#clock.elapsed(),
        take: end(() => resolve(this.#take(message))),
        takeUnheard: end(() => {
          this.#take(message);
          fail('TERABUS_STORE_UNKNOWN');
        }),
        fail: end(fail),
      };
      const timer = this.#clock.setTimer(timeoutMs, () => attempt.fail('TERABUS_STORE_UNKNOWN'));
      this.attempts.push(attempt);
      this.open.push(attempt);
    });
  }

  /** The attempts on the way, by message id. */
  get onTheWay(): string[] {
    return this.open.map(({ id }) => id);
  }

  #take({ messageId, stream }: StoreMessage): Stored {
    const known = this.stored.indexOf(messageId);
    if (known === -1) this.stored.push(messageId);
    return { stream, sequence: known === -1 ? this.stored.length : known + 1, duplicate: known !== -1 };
  }
}

describe('what is stored', () => {
  let clock: VirtualClock;
  let stream: ScriptedStream;
  let lines: StoreLines;
  beforeEach(() => {
    clock = new VirtualClock();
    stream = new ScriptedStream(clock);
    lines = new StoreLines({ streams: () => stream, clock, random: () => 1 });
  });

  const publish = (messageId: string, { topic = 'a', timeoutMs = 20_000, ordered = false, bytes = 1 } = {}) => {
    const message: StoreMessage = { subject: topic, bytes: new Uint8Array(bytes), stream: topic, messageId };
    const storing = { topic, message, size: bytes, timeoutMs, deadline: clock.elapsed() + timeoutMs, ordered };
    const publishing = lines.store(storing);
    publishing.catch(() => undefined);
    return publishing;
  };
  const settle = () => clock.advance(0);
  /** What is on the way is taken, over and over, until nothing is. */
  const takeAll = async () => {
    while (stream.open.length > 0) {
      for (const attempt of stream.open) attempt.take();
      await settle();
    }
  };

  it('is on the way side by side, and tells where it lies', async () => {
    const all = ['1', '2', '3'].map((id) => publish(id));
    expect(stream.onTheWay).to.deep.equal(['1', '2', '3']);
    await takeAll();
    expect((await Promise.all(all)).map(({ sequence }) => sequence)).to.deep.equal([1, 2, 3]);
  });

  it('keeps its order where a message fails: nothing is sent until all on the way are settled, then one', async () => {
    const all = ['1', '2', '3'].map((id) => publish(id));
    const [one, two, three] = stream.open;
    one?.take();
    two?.fail('TERABUS_STREAM_UNAVAILABLE');
    await settle();
    all.push(publish('4'));
    await clock.advance(2_000);
    expect(stream.onTheWay).to.deep.equal(['3']);
    three?.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(50);
    expect(stream.onTheWay).to.deep.equal(['2']);
    stream.open[0]?.take();
    await settle();
    expect(stream.onTheWay).to.deep.equal(['3', '4']);
    await takeAll();
    await Promise.all(all);
    expect(stream.stored).to.deep.equal(['1', '2', '3', '4']);
  });

  it('keeps its order where failures come in any order', async () => {
    const all = ['1', '2', '3', '4'].map((id) => publish(id));
    for (const attempt of stream.open.toReversed()) attempt.fail('TERABUS_STORE_UNKNOWN');
    await clock.advance(50);
    await takeAll();
    await Promise.all(all);
    expect(stream.stored).to.deep.equal(['1', '2', '3', '4']);
  });

  it('is stored once where an answer was lost, and is told as a duplicate', async () => {
    const publishing = publish('1');
    stream.open[0]?.takeUnheard();
    await clock.advance(50);
    await takeAll();
    expect(await publishing).to.deep.equal({ stream: 'a', sequence: 1, duplicate: true });
    expect(stream.stored).to.deep.equal(['1']);
  });

  it('is tried again after waits that grow to a second', async () => {
    void publish('1');
    for (let ms = 0; ms < 5_000; ms += 10) {
      stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
      await clock.advance(10);
    }
    const times = stream.attempts.map(({ at }) => at);
    expect(times.map((at, n) => at - (times[n - 1] ?? 0))).to.deep.equal([
      0, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000,
    ]);
  });

  it('is tried soon when the link is back, each topic at a moment of its own, in order', async () => {
    const draws = [1, 1, 0.2, 0.9];
    lines = new StoreLines({ streams: () => stream, clock, random: () => draws.shift() ?? 1 });
    const fail = async (ms: number) => {
      for (const attempt of stream.open) attempt.fail('TERABUS_DISCONNECTED');
      await clock.advance(ms);
    };
    const all = ['1', '2'].map((id) => publish(id));
    all.push(publish('b1', { topic: 'b' }));
    await fail(40);
    lines.wake();
    await clock.advance(10);
    // Those of `b` would have come later than the end of their wait.
    expect(stream.onTheWay).to.deep.equal(['1', 'b1']);
    draws.push(1, 1);
    for (let n = 0; n < 6; n++) await fail(1_000);
    await fail(0);
    draws.push(0.2, 0.9);
    lines.wake();
    await clock.advance(19);
    expect(stream.onTheWay).to.deep.equal([]);
    await clock.advance(1);
    expect(stream.onTheWay).to.deep.equal(['1']);
    await clock.advance(70);
    expect(stream.onTheWay).to.deep.equal(['1', 'b1']);
    await takeAll();
    expect((await Promise.all(all)).map(({ sequence }) => sequence)).to.deep.equal([1, 3, 2]);
  });

  it('is tried often again behind a link that is back', async () => {
    void publish('1');
    for (let n = 0; n < 6; n++) {
      stream.open[0]?.fail('TERABUS_DISCONNECTED');
      await clock.advance(1_000);
    }
    lines.wake();
    const before = stream.attempts.length;
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(50);
    expect(stream.attempts).to.have.length(before + 1);
  });

  it('is given up on its way at its deadline, and nothing of its topic goes beside it', async () => {
    // A link that keeps to no time.
    const kept: (() => void)[] = [];
    const hanging = { store: () => new Promise<Stored>((_, reject) => kept.push(() => reject(lost()))) };
    const lost = () => new BusError('lost', { reason: 'TERABUS_STORE_UNKNOWN' });
    lines = new StoreLines({ streams: () => hanging, clock });
    const first = publish('1', { timeoutMs: 100, ordered: true });
    await clock.advance(100);
    expect(await rejection(first)).to.include({ reason: 'TERABUS_STORE_UNKNOWN' });
    let settled = false;
    void lines.settled().then(() => {
      settled = true;
    });
    const next = publish('2', { timeoutMs: 100 });
    await clock.advance(100);
    expect(kept).to.have.length(1);
    expect(await rejection(next)).to.include({ reason: 'TERABUS_OVERLOADED' });
    expect(settled).to.equal(false);
    kept[0]?.();
    await settle();
    expect(settled).to.equal(true);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('may be overtaken by what was on the way with it, where a stream refuses it and takes the next ones', async () => {
    const all = ['1', '2', '3'].map((id) => publish(id));
    const [one, ...others] = stream.open;
    one?.fail('TERABUS_STREAM_UNAVAILABLE');
    for (const other of others) other.take();
    await clock.advance(50);
    await takeAll();
    expect((await Promise.all(all)).map(({ sequence }) => sequence)).to.deep.equal([3, 1, 2]);
  });

  it('is sent alone where it is ordered: after all before it, and before all behind it', async () => {
    void publish('1');
    void publish('2', { ordered: true });
    void publish('3');
    expect(stream.onTheWay).to.deep.equal(['1']);
    stream.open[0]?.take();
    await settle();
    expect(stream.onTheWay).to.deep.equal(['2']);
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(50);
    expect(stream.onTheWay).to.deep.equal(['2']);
    await takeAll();
    expect(stream.stored).to.deep.equal(['1', '2', '3']);
  });

  it('rejects at once with what no second try would change, and the others go on', async () => {
    for (const reason of ['TERABUS_STREAM_FULL', 'TERABUS_STREAM_MISMATCH', 'TERABUS_NATS_FORBIDDEN'] as const) {
      const refused = publish(reason);
      const next = publish(`behind ${reason}`);
      stream.open[0]?.fail(reason);
      expect(await rejection(refused)).to.include({ reason, rawMessage: `says ${reason}` });
      await takeAll();
      await next;
    }
    expect(stream.attempts).to.have.length(6);
  });

  it('is known not to be stored at the deadline, where every attempt was refused', async () => {
    const publishing = publish('1', { timeoutMs: 1_000 });
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(999);
    for (const attempt of stream.open) attempt.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(1);
    const error = await rejection(publishing);
    expect(error).to.include({ reason: 'TERABUS_STREAM_UNAVAILABLE', retryable: true });
    expect(error.message).to.match(/'a' was not stored within 1000 ms \(\d tries\): says/);
    expect(error.details).to.include({ messageId: '1', topic: 'a', stream: 'a' });
  });

  it('is in doubt at the deadline, where one attempt was not answered, whatever the others were', async () => {
    const publishing = publish('1', { timeoutMs: 1_000 });
    stream.open[0]?.fail('TERABUS_STORE_UNKNOWN');
    await clock.advance(50);
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(949);
    for (const attempt of stream.open) attempt.fail('TERABUS_STREAM_UNAVAILABLE');
    await clock.advance(1);
    expect(await rejection(publishing)).to.include({ reason: 'TERABUS_STORE_UNKNOWN', retryable: true });
  });

  it('is in doubt where an attempt was not answered and the next one is refused for good', async () => {
    const publishing = publish('1');
    stream.open[0]?.fail('TERABUS_STORE_UNKNOWN');
    await clock.advance(50);
    stream.open[0]?.fail('TERABUS_NATS_FORBIDDEN');
    expect(await rejection(publishing)).to.include({ reason: 'TERABUS_STORE_UNKNOWN' });
  });

  it('is known not to be stored where it was never sent, whatever became of those before it', async () => {
    void publish('1');
    stream.open[0]?.fail('TERABUS_STORE_UNKNOWN');
    await settle();
    const behind = publish('2', { timeoutMs: 10 });
    await clock.advance(10);
    expect(await rejection(behind)).to.include({ reason: 'TERABUS_STREAM_UNAVAILABLE' });
  });

  it('does not let an attempt take longer than the deadline', async () => {
    void publish('1', { timeoutMs: 100 });
    void publish('2');
    expect(stream.attempts.map(({ timeoutMs }) => timeoutMs)).to.deep.equal([100, 3_000]);
  });

  it('waits in order where too much is on the way, and rejects at its deadline', async () => {
    const all = Array.from({ length: 300 }, (_, n) => publish(`${n}`));
    expect(stream.open).to.have.length(256);
    const late = publish('late', { timeoutMs: 100 });
    await clock.advance(100);
    expect(await rejection(late)).to.include({ reason: 'TERABUS_OVERLOADED' });
    await takeAll();
    await Promise.all(all);
    expect(stream.stored).to.deep.equal(Array.from({ length: 300 }, (_, n) => `${n}`));
  });

  it('has at most 1,024 on the way over all topics, and 2 MiB; topics take turns', async () => {
    for (let topic = 0; topic < 6; topic++) {
      for (let n = 0; n < 250; n++) void publish(`${topic} ${n}`, { topic: `${topic}` });
    }
    expect(stream.open).to.have.length(1_024);
    expect(stream.onTheWay).to.not.include('5 0');
    for (const attempt of stream.open.slice(0, 2)) attempt.take();
    await settle();
    expect(stream.onTheWay.slice(-2)).to.deep.equal(['4 24', '5 0']);
    await takeAll();
    expect(stream.stored).to.have.length(1_500);

    for (let n = 0; n < 4; n++) void publish(`large ${n}`, { topic: `${n}`, bytes: 2 ** 20 });
    expect(stream.onTheWay).to.deep.equal(['large 0', 'large 1']);
    await takeAll();
    expect(stream.stored).to.have.length(1_504);
  });

  it('keeps its order where the one that fails makes the room for the next', async () => {
    void publish('1', { bytes: 2 ** 20 });
    void publish('other', { topic: 'b', bytes: 2 ** 20 });
    void publish('2');
    expect(stream.onTheWay).to.deep.equal(['1', 'other']);
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await settle();
    expect(stream.onTheWay).to.deep.equal(['other']);
    await clock.advance(50);
    await takeAll();
    expect(stream.stored).to.deep.equal(['other', '1', '2']);
  });

  it('is not held up by another topic that can’t be stored', async () => {
    for (let n = 0; n < 2_000; n++) void publish(`${n}`, { topic: 'gone' });
    for (const attempt of stream.open) attempt.fail('TERABUS_STREAM_UNAVAILABLE');
    await settle();
    const other = publish('other', { topic: 'there' });
    await takeAll();
    expect(await other).to.include({ stream: 'there' });
  });

  it('has settled when nothing is left', async () => {
    let settled = false;
    void publish('1');
    const refused = publish('2', { timeoutMs: 100 });
    void lines.settled().then(() => {
      settled = true;
    });
    const [one, two] = stream.open;
    two?.fail('TERABUS_STREAM_UNAVAILABLE');
    await settle();
    one?.take();
    await settle();
    expect(settled).to.equal(false);
    await clock.advance(100);
    stream.open[0]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await rejection(refused);
    await settle();
    expect(settled).to.equal(true);
    await lines.settled();
  });

  it('is given up when the connection is closed: in doubt where it was on the way, else not stored', async () => {
    const sent = publish('1');
    const refused = publish('2', { topic: 'b' });
    stream.open[1]?.fail('TERABUS_STREAM_UNAVAILABLE');
    await settle();
    lines.close();
    expect(await rejection(sent)).to.include({ reason: 'TERABUS_STORE_UNKNOWN' });
    expect(await rejection(refused)).to.include({ reason: 'TERABUS_CLOSED' });
    expect(await rejection(publish('3'))).to.include({ reason: 'TERABUS_CLOSED' });
    await clock.advance(60_000);
    expect(stream.attempts).to.have.length(2);
  });
});
