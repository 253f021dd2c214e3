// The publishers of a durable topic: each numbers its messages, has many on their way, and learns what became of each.
import { BusError, type OpenBus, openBus } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { serve } from '../run/child-process.js';
import { numbers } from './contracts.js';

const TURN_MS = 5;
/** What one writer has on its way or waiting at most: behind a long outage the rest is not made up for. */
const MOST_OPEN = 4_000;
const NAMED = 5;

/** What became of the messages of one writer; all others were acknowledged. */
export interface Written {
  readonly writer: string;
  readonly attempted: number;
  /** Nobody knows of these. */
  readonly unknown: readonly number[];
  /** These are known not to be stored. */
  readonly refused: readonly number[];
  /** Why, for errors that no second try mends. */
  readonly final: readonly string[];
  /** How often which reason was given. */
  readonly reasons: Readonly<Record<string, number>>;
  /** How long behind its deadline one was answered, at most, in milliseconds; below 0 where all were in time. */
  readonly latestMs: number;
  /** What the stream knew already, since an answer had been lost. */
  readonly knownAlready: number;
  /** The longest time without an acknowledgement, in milliseconds. */
  readonly longestGapMs: number;
}

/** How a run is going. */
export interface Progress {
  readonly attempted: number;
  readonly acknowledged: number;
  readonly open: number;
}

class Writer {
  attempted = 0;
  acknowledged = 0;
  open = 0;
  latestMs = Number.NEGATIVE_INFINITY;
  readonly reasons: Record<string, number> = {};
  knownAlready = 0;
  longestGapMs = 0;
  readonly unknown: number[] = [];
  readonly refused: number[] = [];
  readonly final: string[] = [];
  #heardAt = performance.now();

  constructor(
    readonly name: string,
    readonly transport: Transport,
    readonly bus: OpenBus,
    readonly lanes: number,
    readonly timeoutMs: number,
  ) {}

  begin(): void {
    this.#heardAt = performance.now();
  }

  write(): void {
    this.attempted += 1;
    const n = this.attempted;
    const { name, lanes, timeoutMs } = this;
    const topic = numbers({ writer: name, lane: `${n % lanes}` });
    const begunAt = performance.now();
    this.open += 1;
    const ended = () => {
      this.open -= 1;
      this.latestMs = Math.max(this.latestMs, performance.now() - begunAt - timeoutMs);
    };
    this.bus.publish(topic, `${name}-${n}`, { timeoutMs }).then(
      ({ duplicate }) => {
        ended();
        this.acknowledged += 1;
        if (duplicate) this.knownAlready += 1;
        const now = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, now - this.#heardAt);
        this.#heardAt = now;
      },
      (thrown: unknown) => {
        ended();
        const error = BusError.from(thrown);
        const { reason = error.code } = error;
        this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
        (reason === 'TERABUS_STORE_UNKNOWN' ? this.unknown : this.refused).push(n);
        if (!error.retryable && this.final.length < NAMED) this.final.push(error.message);
      },
    );
  }

  get written(): Written {
    const { name: writer, attempted, unknown, refused, final, reasons, latestMs, knownAlready, longestGapMs } = this;
    return { writer, attempted, unknown, refused, final, reasons, latestMs, knownAlready, longestGapMs };
  }
}

let writers: Writer[] = [];
let timer: NodeJS.Timeout | undefined;

const sum = (of: (writer: Writer) => number) => writers.reduce((total, writer) => total + of(writer), 0);

const methods = {
  async open(options: { urls: readonly string[]; writers: number; lanes: number; timeoutMs: number }) {
    const { urls, lanes, timeoutMs } = options;
    writers = await Promise.all(
      Array.from({ length: options.writers }, async (_, n) => {
        const name = `writer${n}`;
        const transport = await connectNats({ servers: [...urls], name, connectTimeoutMs: 20_000 });
        return new Writer(name, transport, openBus({ transport, source: `service.${name}` }), lanes, timeoutMs);
      }),
    );
  },
  /** Writes so many a second, all writers together; what an outage held up is made up for. */
  begin(perSecond: number) {
    const begunAt = performance.now();
    let due = 0;
    for (const writer of writers) writer.begin();
    timer = setInterval(() => {
      const wanted = ((performance.now() - begunAt) / 1_000) * (perSecond / writers.length);
      for (; due < wanted; due++) for (const writer of writers) if (writer.open < MOST_OPEN) writer.write();
    }, TURN_MS);
  },
  /** Writes so many at once, so that a fault meets them on their way. */
  burst(messages: number) {
    for (let n = 0; n < messages; n++) writers[n % writers.length]?.write();
  },
  progress: (): Progress => ({
    attempted: sum(({ attempted }) => attempted),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    open: sum(({ open }) => open),
  }),
  /** Ends writing; resolves when it is known of each message what became of it. */
  async finish(): Promise<readonly Written[]> {
    clearInterval(timer);
    while (sum(({ open }) => open) > 0) await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    return writers.map(({ written }) => written);
  },
  close: () => Promise.all(writers.map(({ transport }) => transport.close())).then(() => undefined),
};
export type WritersMethods = typeof methods;

if (process.send !== undefined) serve(methods);
