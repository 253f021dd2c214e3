import type { Child } from '../../soak/run/child.js';
import type { Row } from '../cases/case.js';
import type { ContenderMethods } from '../process/serve-contender.js';
import { type Amounts, warmUp } from './amounts.js';
import type { Measured } from './measure.js';
import { Stage } from './stage.js';
import { quantiles } from './statistics.js';
import { usedBy } from './used.js';

/** Events a second of the case with a given rate. */
const PER_SECOND = 1_000;

/** A publisher and a subscriber that are connected, and how much went between them so far. */
export class Pair {
  readonly sender: Child<ContenderMethods>;
  readonly receiver: Child<ContenderMethods>;
  readonly #window: number;
  total = 0;

  private constructor(sender: Child<ContenderMethods>, receiver: Child<ContenderMethods>, window: number) {
    this.sender = sender;
    this.receiver = receiver;
    this.#window = window;
  }

  static async open(stage: Stage): Promise<Pair> {
    const [sender, receiver] = await Promise.all([stage.contender(), stage.contender()]);
    await receiver.call('receive', stage.opening(true));
    await sender.call('send', stage.opening(true));
    return new Pair(sender, receiver, stage.window);
  }

  /** Sends so many events and waits for all of them. Resolves with how many milliseconds that took. */
  async stream(count: number): Promise<number> {
    const from = this.total;
    this.total += count;
    await this.receiver.call('aim', { target: this.total });
    const [began, ended] = await Promise.all([
      this.sender.call('stream', { from, count, window: this.#window }),
      this.receiver.call('reached'),
    ]);
    return ended - began;
  }

  /** Sends so many at a given rate. Resolves with the time of each from publisher to handler, in microseconds. */
  async pace(count: number): Promise<Float64Array> {
    const from = this.total;
    this.total += count;
    await this.receiver.call('aim', { target: this.total, timed: true });
    const [sent] = await Promise.all([
      this.sender.call('pace', { from, count, perSecond: PER_SECOND }),
      this.receiver.call('reached'),
    ]);
    const times = await this.receiver.call('times');
    return sent.map((at, index) => ((times[from + index] ?? 0) - at) * 1_000);
  }

  /** Runs something with the meters of both processes on. */
  async metered<T>(run: () => Promise<T>) {
    await Promise.all([this.sender.call('begin'), this.receiver.call('begin')]);
    const result = await run();
    const [sender, receiver] = await Promise.all([this.sender.call('end'), this.receiver.call('end')]);
    return { result, sender, receiver };
  }

  /** Rejects unless everything arrived once, and in order where that is promised. */
  async check(): Promise<void> {
    const { received, twice, outOfOrder } = await this.receiver.call('arrived');
    if (received === this.total && twice === 0 && outOfOrder === 0) return;
    throw new Error(`of ${this.total} events ${received} arrived, ${twice} twice, ${outOfOrder} out of order`);
  }
}

/** Events as fast as they go. */
export async function measureStream(row: Row, amounts: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row);
  const pair = await Pair.open(stage);
  const messages = await warmUp((count) => pair.stream(count), amounts);
  const { result, values } = await stage.serverCpu(messages, () => pair.metered(() => pair.stream(messages)));
  const { result: ms, sender, receiver } = result;
  await pair.check();
  return {
    messages,
    values: {
      perSecond: (messages / ms) * 1_000,
      each: (ms * 1_000) / messages,
      ...usedBy('sender', sender, messages),
      ...usedBy('receiver', receiver, messages),
      ...values,
    },
  };
}

/** Events at a rate that leaves everybody time. */
export async function measurePaced(row: Row, { paced }: Amounts): Promise<Measured> {
  await using stage = await Stage.open(row);
  const pair = await Pair.open(stage);
  await pair.pace(Math.ceil(paced / 2));
  const { result, sender, receiver } = await pair.metered(() => pair.pace(paced));
  await pair.check();
  return {
    messages: paced,
    values: { ...quantiles(result), ...usedBy('sender', sender, paced), ...usedBy('receiver', receiver, paced) },
  };
}
