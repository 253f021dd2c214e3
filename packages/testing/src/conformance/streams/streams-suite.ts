import type { VirtualClock } from '@terabus/core/memory';
import { turn } from '@terabus/core/memory';
import type { StorePlan, StreamPlan, Transport } from '@terabus/core/transport';
import type { Bus } from '../suite.js';

/** The way to one message bus of a case's own, and what its administrator does there. */
export interface StreamBus extends Bus {
  /** Its time, where the bus has a time of its own to move. Defaults to the machine's. */
  readonly clock?: VirtualClock;
  /** Creates what is missing of a plan. Rejects with `TERABUS_STORE_DRIFT`. */
  provision(plan: StorePlan): Promise<void>;
  deleteStream(name: string): Promise<void>;
  deleteConsumer(stream: string, consumer: string): Promise<void>;
  updateStream(name: string, changes: { readonly maxMessages: number }): Promise<void>;
  /**
   * Has all connections lose their links; resolves when they are down. The returned function lets them come back, and
   * resolves when they have.
   */
  interrupt(): Promise<() => Promise<void>>;
}

/** What the files of cases get. */
export interface StreamsSuite {
  /** A connection to the bus of this case, closed after it. */
  readonly connect: () => Promise<Transport>;
  /** The bus of this case. */
  readonly bus: () => StreamBus;
  /** Another bus of the same kind, on which everything may have the same names. */
  readonly elsewhere: () => Promise<StreamBus & { readonly connection: Transport }>;
  /** Provisions one stream and connects. */
  readonly withStream: (stream: StreamPlan) => Promise<Transport>;
  /** Lets a virtual clock move on; a real one moves by itself, and a story waits for what follows. */
  readonly pass: (ms: number) => Promise<void>;
}

/** What one case started, and its end. */
export class StreamsCase implements StreamsSuite {
  readonly #open: () => Promise<StreamBus>;
  readonly #buses: StreamBus[] = [];
  readonly #connections: Transport[] = [];

  constructor(open: () => Promise<StreamBus>) {
    this.#open = open;
  }

  readonly begin = async (): Promise<void> => {
    this.#buses.push(await this.#open());
  };

  readonly bus = (): StreamBus => this.#buses[0] as StreamBus;

  readonly connect = async (): Promise<Transport> => await this.#connect(this.bus());

  readonly elsewhere = async () => {
    const bus = await this.#open();
    this.#buses.push(bus);
    return Object.assign(bus, { connection: await this.#connect(bus) });
  };

  readonly withStream = async (stream: StreamPlan): Promise<Transport> => {
    await this.bus().provision({ streams: [stream], buckets: [] });
    return await this.connect();
  };

  readonly pass = async (ms: number): Promise<void> => {
    await this.bus().clock?.advance(ms);
  };

  async end(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await Promise.all(this.#buses.map((bus) => bus.close()));
  }

  async #connect(bus: StreamBus): Promise<Transport> {
    const connection = await bus.connect();
    this.#connections.push(connection);
    return connection;
  }
}

/** Resolves when something is so. It asks, and does not wait in between: what it asks takes a round trip. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}
