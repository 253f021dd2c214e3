import type { BusEvent, Host, HostOptions, OpenBus, ServiceClass } from '@terabus/core';
import { openBus, planStreams, startHost } from '@terabus/core';
import type { VirtualClock } from '@terabus/core/memory';
import { turn } from '@terabus/core/memory';
import type { Clock, StorePlan, Transport } from '@terabus/core/transport';
import { systemClock } from '@terabus/core/transport';
import type { LogLine } from '../../harness/logs.js';
import { capturing } from '../../harness/logs.js';
import type { Bus, Suite } from '../suite.js';
import { Gate, Log } from './log.js';

/** The way to one message bus of a case's own, with its time. */
export interface ServiceBus extends Bus {
  /** The time of the services, where the bus has a time of its own to move. Defaults to the machine's. */
  readonly clock?: VirtualClock;
  /** Makes the streams of a plan. Needed where the feature `streams` is promised. */
  readonly provision?: (plan: StorePlan) => Promise<void>;
}

/** A host of a case, and what it tells. */
export interface WatchedHost {
  readonly host: Host;
  readonly transport: Transport;
  readonly events: Log<BusEvent>;
  readonly logs: readonly LogLine[];
  /** Begins to stop it. Resolves when the server took note that it takes nothing more. */
  beginToStop(): Promise<void>;
}

/** What the files of cases get. */
export interface ServiceSuite extends Suite {
  /** Services at work, stopped after the case. */
  readonly host: (services: readonly ServiceClass[], options?: Partial<HostOptions>) => Promise<WatchedHost>;
  /** Somebody who publishes, sends and calls. */
  readonly speaker: (source?: string) => Promise<OpenBus & { readonly transport: Transport }>;
  /** Makes the streams that services need, or those of a plan. */
  readonly provision: (what: readonly ServiceClass[] | StorePlan) => Promise<void>;
  /** A gate that is opened after the case at the latest, so that nobody waits at it for ever. */
  readonly gate: () => Gate;
  /** Lets a virtual clock move on; a real one moves by itself, and a story waits for what follows. */
  readonly pass: (ms: number) => Promise<void>;
}

/** What one case started, and its end. */
export class ServiceCase {
  readonly #bus: ServiceBus;
  readonly #clock: Clock;
  readonly #connections: Transport[] = [];
  readonly #hosts: Host[] = [];
  readonly #gates: Gate[] = [];

  constructor(bus: ServiceBus) {
    this.#bus = bus;
    this.#clock = bus.clock ?? systemClock;
  }

  async connect(): Promise<Transport> {
    const connection = await this.#bus.connect();
    this.#connections.push(connection);
    return connection;
  }

  async provision(what: readonly ServiceClass[] | StorePlan): Promise<void> {
    if (this.#bus.provision === undefined) throw new Error('a bus whose transports store needs provision');
    await this.#bus.provision('streams' in what ? what : planStreams(what));
  }

  async host(services: readonly ServiceClass[], options: Partial<HostOptions> = {}): Promise<WatchedHost> {
    const transport = await this.connect();
    const events = new Log<BusEvent>();
    const logs: LogLine[] = [];
    const host = await startHost({
      transport,
      clock: this.#clock,
      logger: capturing(logs),
      observers: [events.add],
      ...options,
      services,
    });
    this.#hosts.push(host);
    const beginToStop = async () => {
      void host.stop();
      // The drain begins within this turn; the answer to a flush comes after the server has seen it.
      await turn();
      await transport.flush();
    };
    return { host, transport, events, logs, beginToStop };
  }

  async speaker(source = 'service.Conformance'): Promise<OpenBus & { readonly transport: Transport }> {
    const transport = await this.connect();
    return { ...openBus({ transport, source, clock: this.#clock }), transport };
  }

  gate(): Gate {
    const gate = new Gate();
    this.#gates.push(gate);
    return gate;
  }

  async pass(ms: number): Promise<void> {
    await this.#bus.clock?.advance(ms);
  }

  async end(): Promise<void> {
    for (const gate of this.#gates) gate.open();
    await Promise.all(this.#hosts.map((host) => host.stop()));
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await this.#bus.close();
  }
}
