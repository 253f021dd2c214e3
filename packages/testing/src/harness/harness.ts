import type {
  Client,
  Contract,
  DeadLetters,
  Durability,
  Host,
  Message,
  OpenBus,
  Receipt,
  RpcMethod,
  ServiceClass,
  StopReport,
  TeraService,
  Topic,
  TypeOrFamily,
} from '@terabus/core';
import { BusError, contractOf } from '@terabus/core';
import type { MemoryBroker, VirtualClock } from '@terabus/core/memory';
import type { Transport } from '@terabus/core/transport';
import type { CallOf, HandlingOf, Heard } from './harness-types.js';
import type { Restless } from './idle.js';
import { idle, movingTime } from './idle.js';
import type { LogLine } from './logs.js';
import { payloadsOf } from './read.js';
import type { Call, Handling, Recorder } from './recorder.js';
import type { Sender, SendOptions } from './sender.js';
import type { Wired } from './tap.js';

/** What a harness is made of. */
export interface HarnessParts {
  /** Undefined where the transport is the test's own. */
  readonly broker: MemoryBroker | undefined;
  readonly clock: VirtualClock;
  readonly services: Host;
  readonly stubs: Host | undefined;
  readonly sender: Sender;
  readonly senderTransport: Transport;
  readonly recorder: Recorder;
  readonly wire: readonly Wired[];
  readonly logs: readonly LogLine[];
  readonly restless: Restless;
  readonly drainTimeoutMs: number;
}

/** The name of the connection of the services under test. */
export const SERVICES = 'services';

/** Services at work for a test, made by `startHarness`. */
export class Harness implements AsyncDisposable {
  /**
   * The time of the services. It stands still until a test moves it: `await harness.clock.advance(1_000)`, which runs
   * timers and delivers messages, and waits for no handler; `idle` does.
   */
  readonly clock: VirtualClock;
  /** What the services and stubs logged, at all levels. Nothing is printed. */
  readonly logs: readonly LogLine[];
  readonly #parts: HarnessParts;
  #stopping: Promise<StopReport> | undefined;

  /** @internal */
  constructor(parts: HarnessParts) {
    this.clock = parts.clock;
    this.logs = parts.logs;
    this.#parts = parts;
  }

  /** The instance of a service, for what it shows of itself. */
  service<S extends TeraService>(serviceClass: ServiceClass<S>): S {
    return this.#parts.services.service(serviceClass);
  }

  /** Publishes to any topic of events, text or bytes, as a service would. Whoever gets it runs later: see `idle`. */
  readonly publish: OpenBus['publish'] = (topic, payload, options) =>
    this.#parts.sender.bus.publish(topic, payload, options);

  /** Publishes several messages in one `TeraEvent`. */
  readonly publishAll: OpenBus['publishAll'] = (topic, messages, options) =>
    this.#parts.sender.bus.publishAll(topic, messages, options);

  /**
   * Sends to any mailbox: counted, from `service.Harness`; or, with `source`, `seq` or `epoch`, as the message of
   * another sender, for tests of sequences and of OpenTera's own senders.
   */
  send<P, D extends Durability>(
    mailbox: Topic<'module-message', P, string, D>,
    message: NoInfer<P>,
    options?: SendOptions,
  ): Promise<Receipt<D> | undefined> {
    return this.#parts.sender.send<P, D>(mailbox, message, options);
  }

  /** What a service under test has given up: to list, show, replay and purge. */
  deadLetters(serviceClass: ServiceClass): DeadLetters {
    return this.#parts.services.deadLetters(serviceClass);
  }

  /**
   * The link of the services is lost until {@link restore}, as `MemoryBroker.interrupt` says; the test itself and the
   * stubs keep theirs.
   *
   * @throws BusError where the harness was given a `transport` of its own: whoever made it can cut it
   */
  interrupt(): void {
    this.#broker('interrupt').interrupt({ connection: SERVICES });
  }

  /** The link of the services is back. */
  restore(): void {
    this.#broker('restore').restore({ connection: SERVICES });
  }

  #broker(doing: string): MemoryBroker {
    const { broker } = this.#parts;
    if (broker !== undefined) return broker;
    throw new BusError(`harness.${doing} is for services in memory: this harness has a transport of its own`, {
      code: 'FAILED_PRECONDITION',
    });
  }

  /** Publishes bytes as they are, for tests of bad input. */
  publishBytes(topic: Topic | string, bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<void> {
    return this.#parts.sender.publishBytes(topic, bytes, headers);
  }

  /**
   * The methods of any contract. A call's deadline is in virtual time: a callee that waits for it to move keeps the
   * caller waiting until the test moves it.
   */
  client<C extends Contract>(contract: C): Client<C> {
    return this.#parts.sender.bus.client(contract as Contract) as unknown as Client<C>;
  }

  /**
   * Resolves when everything that is on the way has been handled: messages, calls, and what they caused. Handlers that
   * wait for real work are waited for; what a durable topic has to try again waits for `clock.advance`. Rejects with a `BusError` `HARNESS_STUCK` when nothing has moved for
   * `patienceMs` of real time: it names the handlers that have not ended, with their messages, how long they run
   * in virtual time, and the virtual timers that are pending. What no handler has begun (`onReady`, `every`) is not
   * waited for beyond the turns of the event loop.
   */
  idle(): Promise<void> {
    return idle(this.#parts.restless);
  }

  /**
   * What one method of a service got so far, in the order in which it was given to it.
   *
   * @throws BusError when the method handles nothing, naming those that do
   */
  received<S extends TeraService, K extends keyof S & string>(
    serviceClass: ServiceClass<S>,
    member: K,
  ): readonly HandlingOf<S[K]>[] {
    const plan = contractOf(serviceClass);
    const handlers = [...plan.groups.flatMap((group) => [...group.handlers.values()]), ...plan.methods.values()];
    if (!handlers.some((handler) => handler.member === member)) {
      const members = [...new Set(handlers.map((handler) => handler.member))].join(', ');
      throw new BusError(`${plan.name}.${member} handles nothing; handlers are ${members}`, {
        code: 'INVALID_ARGUMENT',
      });
    }
    const name = `${plan.name}.${member}`;
    const { address } = plan.contract;
    return this.handled.filter(
      ({ service, handler }) => service === address && handler === name,
    ) as unknown as readonly HandlingOf<S[K]>[];
  }

  /** All that the handlers of the services and stubs got so far, subscriptions included. */
  get handled(): readonly Handling[] {
    return [...this.#parts.recorder.handlings];
  }

  /** What the services published to a topic or pattern so far, as it went on the wire; of one type or family, or all. */
  published<P extends Message, T extends P>(source: Heard<'event', P>, type: TypeOrFamily<T>): readonly T[];
  published<P>(source: Heard<'event' | 'text' | 'bytes', P>): readonly P[];
  published(source: Heard<'event' | 'text' | 'bytes', unknown>, type?: TypeOrFamily): readonly unknown[] {
    return ofType(payloadsOf(this.#parts.wire, source), type);
  }

  /** What the services sent to a mailbox so far, as it went on the wire; of one type or family, or all. */
  sent<P extends Message, T extends P>(mailbox: Heard<'module-message', P>, type: TypeOrFamily<T>): readonly T[];
  sent<P>(mailbox: Heard<'module-message', P>): readonly P[];
  sent(mailbox: Heard<'module-message', unknown>, type?: TypeOrFamily): readonly unknown[] {
    return ofType(payloadsOf(this.#parts.wire, mailbox), type);
  }

  /** The calls of one method that the services made so far, or all of theirs; those that have ended. */
  calls<M extends RpcMethod>(method: M): readonly CallOf<M>[];
  calls(): readonly Call[];
  calls(method?: RpcMethod): readonly Call[] {
    const { calls } = this.#parts.recorder;
    return calls.filter((call) => method === undefined || (call.topic === method.topic && call.method === method.name));
  }

  /**
   * Stops the services, then the stubs. A handler that is stuck is waited for as `idle` does, then the virtual time of
   * the drain is let pass; the report says what was cut off. Calling it again returns the same promise.
   */
  stop(): Promise<StopReport> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<StopReport> {
    const { services, stubs, senderTransport } = this.#parts;
    const report = await this.#ended(services.stop());
    if (stubs !== undefined) await this.#ended(stubs.stop());
    await senderTransport.close();
    return report;
  }

  #ended<T>(stopping: Promise<T>): Promise<T> {
    const { restless, drainTimeoutMs } = this.#parts;
    return movingTime(stopping, restless, () => this.clock.advance(drainTimeoutMs));
  }
}

function ofType(payloads: readonly unknown[], type: TypeOrFamily | undefined): readonly unknown[] {
  if (type === undefined) return payloads;
  const names = 'members' in type ? type.members.map(({ $type }) => $type) : [type.$type];
  return payloads.filter((payload) => names.includes((payload as Message).$type));
}
