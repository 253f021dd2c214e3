import type { Logger } from 'pino';
import type { ServicePlan } from '../contract/contract-of.js';
import { LastValues } from '../durable/last-values.js';
import { streamOf } from '../durable/names.js';
import type { Gate, Receiver } from '../instances/gate.js';
import type { Reporter } from '../observe/reporter.js';
import { say } from '../observe/say.js';
import type { Router } from '../routing/router.js';
import { heartbeatOf } from '../topics/heartbeat.js';
import type { Inbound, TransportSubscription } from '../transport/transport.js';
import type { HostParts } from './host-parts.js';

/** Subscriptions that were asked for together. */
export type Subscriptions = Promise<readonly TransportSubscription[]>;

/** What a service subscribes to, through its gate, as the delivery groups of the service. */
export class Intake {
  readonly #plan: ServicePlan;
  readonly #logger: Logger;
  readonly #reporter: Reporter;
  readonly #parts: HostParts;
  /** What everything comes through, where one instance is active at a time. */
  readonly #gate: Gate | undefined;

  constructor(plan: ServicePlan, logger: Logger, reporter: Reporter, parts: HostParts, gate: Gate | undefined) {
    this.#plan = plan;
    this.#logger = logger;
    this.#reporter = reporter;
    this.#parts = parts;
    this.#gate = gate;
  }

  /** Subscribes to messages, and where they are tracked to the heartbeats of their senders. */
  open(patterns: readonly string[], router: Router): Subscriptions {
    const everyInstance = router.parts.options.everyInstance === true;
    if (everyInstance && router.parts.definition.durable?.lastValue) return this.#lastValues(patterns, router);
    const messages = this.subscribe(patterns, router, everyInstance);
    if (!router.parts.definition.tracked) return messages;
    const beats = { deliver: router.deliverHeartbeat, overflow: () => undefined };
    const heartbeats = this.subscribe(patterns.map(heartbeatOf), beats, everyInstance);
    // Heartbeats are to end first: one that came behind the last message that is taken in would tell of a loss.
    const both = Promise.all([heartbeats, messages]).then((made) => made.flat());
    both.catch(() => Promise.all([heartbeats, messages].map((each) => this.end(each))));
    return both;
  }

  /** Subscribes to some patterns, as a delivery group of the service each. */
  subscribe(patterns: readonly string[], receiver: Receiver, everyInstance: boolean): Subscriptions {
    const { transport } = this.#parts;
    const receive = this.#gate?.through(receiver) ?? ((inbound: Inbound) => receiver.deliver(inbound));
    const each = patterns.map((pattern) =>
      // The pattern is part of the group's name: equal names on overlapping patterns make NATS deliver each
      // message to only one of them.
      transport.subscribe(
        pattern,
        everyInstance ? {} : { group: `${this.#plan.contract.address} ${pattern}` },
        receive,
      ),
    );
    return this.#allOf(each);
  }

  /** Ends the intake of some subscriptions. One that can't be ended must not keep the others from being finished. */
  async end(subscriptions: Subscriptions): Promise<void> {
    // Whoever asked for a subscription that failed knows it already.
    const made = await subscriptions.catch(() => []);
    await Promise.all(
      made.map((each) =>
        each.drain().catch((error: unknown) => {
          say(this.#logger, 'error', { err: error }, 'a subscription could not be ended');
        }),
      ),
    );
  }

  /** What is stored is not subscribed to: its last messages and those that follow are put in front of the handlers. */
  #lastValues(patterns: readonly string[], router: Router): Subscriptions {
    const { transport, clock, lifecycle } = this.#parts;
    const { definition, service } = router.parts;
    const { queue } = router;
    const each = patterns.map((pattern) => {
      let dropped = false;
      const receiver: Receiver = {
        deliver: (inbound, arrivedAt) => {
          const before = queue.dropped;
          router.deliver(inbound, arrivedAt);
          dropped = queue.dropped > before;
        },
        overflow: (inbound, why) => {
          router.overflow(inbound, why);
          dropped = true;
        },
      };
      const receive = this.#gate?.through(receiver) ?? receiver.deliver;
      return new LastValues({
        transport,
        clock,
        stream: streamOf(definition),
        pattern,
        deliver: (inbound) => {
          dropped = false;
          receive(inbound);
          return !dropped;
        },
        hasRoom: () => queue.hasRoom,
        report: (error) => this.#reporter.report(service, error, { topic: definition.template }),
        signal: lifecycle.signal,
      }).start();
    });
    return this.#allOf(each);
  }

  #allOf(each: readonly Promise<TransportSubscription>[]): Subscriptions {
    const subscribing = Promise.all(each);
    // Whoever awaits it gets the error; nobody awaiting it yet must not end the process. What the others would still
    // bring, nobody would ever end.
    subscribing.catch(() => each.map((one) => this.end(one.then((made) => [made]))));
    return subscribing;
  }
}
