import type { Logger } from 'pino';
import { say } from '../observe/say.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { StreamPlan } from '../transport/store-plan.js';
import type { Transport } from '../transport/transport.js';

/** A stream fills over hours: a minute is soon enough, and costs a server next to nothing. */
const EVERY_MS = 60_000;
/** From this share of a limit on it is told. A week's worth of messages leaves more than a day. */
const TOLD_FROM = 0.8;
/** Below this one it may be told again. */
const QUIET_BELOW = 0.7;

/** Says in the log when a stream is about to be full: a full one refuses what is published. */
export class Filling {
  readonly #transport: Pick<Transport, 'streams'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limited: readonly StreamPlan[];
  readonly #told = new Set<string>();
  #timer: Timer | undefined;
  #ended = false;

  constructor(
    { transport, clock, logger }: { transport: Pick<Transport, 'streams'>; clock: Clock; logger: Logger },
    streams: readonly StreamPlan[],
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#logger = logger;
    this.#limited = streams.filter(({ maxMessages, maxBytes }) => maxMessages > 0 || maxBytes > 0);
  }

  /** Looks at once, and from then on every minute. */
  start(): this {
    if (this.#limited.length > 0) void this.#look();
    return this;
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    await Promise.all(this.#limited.map((stream) => this.#lookAt(stream)));
    if (!this.#ended) this.#timer = this.#clock.setTimer(EVERY_MS, () => void this.#look());
  }

  async #lookAt({ name, maxMessages, maxBytes }: StreamPlan): Promise<void> {
    // That a stream can't be asked is told as a problem by who looks after it.
    const state = await this.#transport.streams.streamState(name).catch(() => undefined);
    if (state === undefined || this.#ended) return;
    const { messages, bytes } = state;
    const share = Math.max(maxMessages > 0 ? messages / maxMessages : 0, maxBytes > 0 ? bytes / maxBytes : 0);
    if (share < QUIET_BELOW) this.#told.delete(name);
    if (share < TOLD_FROM || this.#told.has(name)) return;
    this.#told.add(name);
    say(
      this.#logger,
      'warn',
      { stream: name, messages, maxMessages, bytes, maxBytes },
      `the stream '${name}' is ${Math.floor(share * 100)} % full: a full one refuses what is new`,
    );
  }
}
