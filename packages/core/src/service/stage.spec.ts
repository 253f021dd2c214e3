// What the specs of services share: hosts in memory, on virtual time, with everything that happens written down.
import type { Message, MessageType } from '@terabus/messages';
import { BusError, encodeModuleMessage, encodeTeraEvent, packAny } from '@terabus/messages';
import { pino } from 'pino';
import type { BusEvent, Host, HostOptions, ServiceClass } from '../index.js';
import { defineService, Service, startHost, TeraService } from '../index.js';
import type { Inbound, Transport } from '../transport/index.js';
import { MemoryBroker, VirtualClock } from '../transport/memory/index.js';

/** A line of the log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const Nobody = defineService('Test.Nobody', {});
@Service(Nobody)
class NobodyService extends TeraService {}

/** A broker with hosts on it. */
export class Stage {
  readonly clock = new VirtualClock();
  readonly broker: MemoryBroker;
  readonly events: BusEvent[] = [];
  readonly log: LogLine[] = [];
  readonly #hosts: Host[] = [];
  #client: Transport | undefined;

  constructor(options: { readonly maxPayloadBytes?: number } = {}) {
    this.broker = new MemoryBroker({ clock: this.clock, ...options });
  }

  /** A logger that writes to {@link log}. */
  readonly logger = pino({ level: 'debug' }, { write: (line: string) => this.log.push(JSON.parse(line)) });

  async start(services: ServiceClass | readonly ServiceClass[], options: Partial<HostOptions> = {}): Promise<Host> {
    const host = await startHost({
      transport: this.broker.connect(),
      clock: this.clock,
      logger: this.logger,
      observers: [(event) => this.events.push(event)],
      services: [services].flat() as readonly ServiceClass[],
      ...options,
    });
    this.#hosts.push(host);
    return host;
  }

  /** One that serves nothing, for what belongs to any host. */
  startNobody(options: Partial<HostOptions> = {}): Promise<Host> {
    return this.start(NobodyService, options);
  }

  /** A connection of somebody who isn't Terabus. */
  get client(): Transport {
    this.#client ??= this.broker.connect();
    return this.#client;
  }

  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  /** Sends an event as anybody could. */
  async event(topic: string, messages: readonly (readonly [MessageType, Message])[], claimed = topic): Promise<void> {
    const events = messages.map(([type, message]) => packAny(type, message));
    const bytes = encodeTeraEvent({ topic: claimed, time: 1, events });
    await this.client.publish({ topic, bytes });
    await this.settle();
  }

  /** Sends a module message as anybody could. */
  async message(
    topic: string,
    [type, message]: readonly [MessageType, Message],
    { seq = 0, headers = {}, source = 'module.Test.Sender' } = {},
  ): Promise<void> {
    const data = [packAny(type, message)];
    const bytes = encodeModuleMessage({ time: 1, source, dest: topic, seq, data });
    await this.client.publish({ topic, bytes, headers: new Map(Object.entries(headers)) });
    await this.settle();
  }

  /** Repeats a last number, as any sender could. */
  async heartbeat(
    topic: string,
    { seq = 0, headers = {}, source = 'module.Test.Sender', dest = topic } = {},
  ): Promise<void> {
    const bytes = encodeModuleMessage({ time: 1, source, dest, seq, data: [] });
    await this.client.publish({ topic: `${topic}.heartbeat`, bytes, headers: new Map(Object.entries(headers)) });
    await this.settle();
  }

  /** Asks, and resolves with the text of the answer. */
  async ask(topic: string, bytes: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = new Promise<Inbound | BusError>((resolve) => {
      this.client.request({ topic, bytes, headers: new Map(Object.entries(headers)) }, resolve);
    });
    await this.settle();
    const inbound = await answer;
    if (BusError.is(inbound)) throw inbound;
    return new TextDecoder().decode(inbound.bytes);
  }

  eventsOf<K extends BusEvent['kind']>(kind: K): Extract<BusEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<BusEvent, { kind: K }> => event.kind === kind);
  }

  /** Stops what still runs. */
  async end(): Promise<void> {
    const stopping = Promise.all(this.#hosts.splice(0).map((host) => host.stop()));
    await this.clock.advance(120_000);
    await stopping;
    await this.broker.close();
  }
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<BusError> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (BusError.is(error)) return error;
  throw error;
}

/** What a function throws. */
export function thrown(run: () => unknown): BusError {
  try {
    run();
  } catch (error) {
    if (BusError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
