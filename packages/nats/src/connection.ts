import type { Clock, TransportEvent } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { backoff } from './backoff.js';
import { closedError, disconnectedError } from './errors.js';
import { Heartbeat } from './heartbeat.js';
import { Ledger } from './ledger.js';
import type { Dial, Link, LinkListener } from './link.js';
import type { CheckedNatsOptions } from './options.js';
import { type Live, Outbox } from './outbox.js';
import { Pause } from './pause.js';
import { Problems } from './problems.js';
import { isReply, type Refusal } from './refusal.js';
import { type PoolServer, ServerPool } from './server-pool.js';
import { Subscriptions } from './subscriptions.js';

/** One refused login may be a server that is just being given its users. */
const REFUSED_LOGINS = 2;

/** A link that ends sooner was none: the next dial waits longer. */
const STEADY_MS = 1_000;

/** So much before its time a timer of Node may fire: it knows whole milliseconds alone, of the clock and of the delay. */
const EARLY_MS = 2;

/** For a server that has let the client in to take note of all subscriptions. */
const RENEWAL_TIMEOUT_MS = 3_000;

/** What a connection tells beside messages. */
export interface ConnectionListener {
  emit(event: TransportEvent): void;
  /** What waits for an answer gets none any more. */
  lost(error: BusError): void;
  /** There is a link, with all subscriptions; what is sent goes there. */
  attached(): void;
}

/**
 * Links, one after another, for ever: each ends for good, and the next one gets all subscriptions before it is used.
 */
export class Connection {
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  /** What beside the link keeps it from its work. */
  readonly troubles: Problems;
  readonly #options: CheckedNatsOptions;
  readonly #clock: Clock;
  readonly #dial: Dial;
  readonly #pool: ServerPool;
  readonly #listener: ConnectionListener;
  readonly #abort = new AbortController();
  readonly #waits = backoff();
  readonly #pause: Pause;

  #live: (Live & { readonly server: PoolServer; readonly heartbeat: Heartbeat; readonly since: number }) | undefined;
  #down: { readonly error: BusError; readonly since: number } | undefined;
  #refusedLogins = 0;
  #roundTripMs: number | undefined;

  constructor(options: CheckedNatsOptions, dial: Dial, listener: ConnectionListener) {
    const emit = (event: TransportEvent) => listener.emit(event);
    this.#options = options;
    this.#clock = options.clock;
    this.#dial = dial;
    this.#pause = new Pause(options.clock);
    this.#listener = listener;
    this.#pool = new ServerPool(options.servers);
    this.troubles = new Problems(emit);
    this.outbox = new Outbox(options, this.troubles);
    this.subscriptions = new Subscriptions(this.troubles, this.#clock, emit);
  }

  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  get #closed(): boolean {
    return this.#abort.signal.aborted;
  }

  get state(): 'up' | 'down' | 'closed' {
    if (this.#closed) return 'closed';
    return this.#down ? 'down' : 'up';
  }

  get problems(): readonly BusError[] {
    if (this.#closed) return [closedError()];
    return this.#down ? [this.#down.error, ...this.troubles.list] : this.troubles.list;
  }

  get unconfirmed() {
    const { messages = 0, bytes = 0 } = this.#live?.ledger ?? {};
    return { messages, bytes };
  }

  /**
   * The first link. Waits for servers that are late, up to `connectTimeoutMs`.
   *
   * @throws BusError `TERABUS_NATS_UNAUTHENTICATED` at once, `TERABUS_NO_SERVER`
   */
  async open(): Promise<void> {
    const { connectTimeoutMs, servers } = this.#options;
    const endsAt = this.#clock.elapsed() + connectTimeoutMs;
    let reason = 'no connection';
    for (let attempt = 1; ; attempt += 1) {
      const remainingMs = endsAt - this.#clock.elapsed();
      if (remainingMs <= 0) break;
      try {
        await this.#connect(remainingMs);
        return;
      } catch (error) {
        const { reason: kind, rawMessage } = BusError.from(error);
        if (kind === 'TERABUS_NATS_UNAUTHENTICATED') this.close();
        if (this.#closed) throw error;
        // The last try ends with our own patience, which says less than what the others came to.
        if (attempt === 1 || this.#clock.elapsed() < endsAt - EARLY_MS) reason = rawMessage;
      }
      if (attempt % this.#pool.size === 0) await this.#pause.wait(Math.min(100, endsAt - this.#clock.elapsed()));
    }
    this.close();
    const addresses = servers.map(({ printable }) => printable).join(', ');
    throw new BusError(`no NATS server answered at ${addresses} within ${connectTimeoutMs} ms: ${reason}`, {
      reason: 'TERABUS_NO_SERVER',
    });
  }

  /** Ends it at once: what the server has not confirmed is reported, what waits fails with `TERABUS_CLOSED`. */
  close(): void {
    if (this.#closed) return;
    this.#abort.abort();
    this.#pause.end();
    this.#leave(closedError());
    this.outbox.close();
    this.subscriptions.close();
  }

  /** Dials one server, and makes all subscriptions there. */
  async #connect(timeoutMs: number): Promise<void> {
    const server = this.#pool.next();
    let link: Link | undefined;
    let ledger: Ledger | undefined;
    const fate: { error?: BusError } = {};
    const listener: LinkListener = {
      ended: (error) => {
        fate.error = error;
        if (link && this.#live?.link === link) this.#lose(error);
        else ledger?.end(error);
      },
      refused: (refusal) => {
        if (refusal.operation === 'subscribe') this.subscriptions.refuse(refusal);
        else this.#refusePublish(refusal);
      },
      failed: (error) => this.#listener.emit({ kind: 'error', error }),
      lameDuck: () => {
        if (link) this.#pool.learn(link.peers, server);
        this.#listener.emit({ kind: 'lame-duck', server: server.printable });
      },
    };
    link = await this.#dial(server, listener, this.#abort.signal, timeoutMs);
    this.#refusedLogins = 0;
    this.troubles.solve('login');
    ledger = new Ledger(link, this.#clock, {
      passed: (subject) => this.outbox.passed(subject),
      progressed: () => this.outbox.pump(),
    });
    const live = { link, ledger };
    const silent = this.#clock.setTimer(Math.min(timeoutMs, RENEWAL_TIMEOUT_MS), () => {
      link.destroy();
      ledger.end(disconnectedError('the NATS server took the login and nothing more'));
    });
    try {
      if (fate.error) throw fate.error;
      if (this.#closed) throw closedError();
      await this.subscriptions.renew(live);
      if (fate.error) throw fate.error;
      if (this.#closed) throw closedError();
    } catch (error) {
      link.destroy();
      ledger.end(BusError.from(error));
      this.subscriptions.detach();
      throw error;
    } finally {
      silent.cancel();
    }
    this.#pool.learn(link.peers, server);
    this.#use(live, server);
  }

  #refusePublish(refusal: Refusal): void {
    const error = this.outbox.refuse(refusal);
    // Of an answer nobody else is told.
    if (isReply(refusal.subject)) this.#listener.emit({ kind: 'error', error });
  }

  #use(live: Live, server: PoolServer): void {
    const heartbeat = new Heartbeat(this.#clock, live, {
      dead: () => this.#lose(disconnectedError('the NATS server does not answer any more')),
      measured: (roundTripMs) => {
        this.#roundTripMs = roundTripMs;
      },
    });
    this.#live = { ...live, server, heartbeat, since: this.#clock.elapsed() };
    const down = this.#down;
    this.#down = undefined;
    if (down) {
      const downMs = this.#clock.elapsed() - down.since;
      this.#listener.emit({ kind: 'reconnected', server: live.link.server, downMs });
    }
    this.outbox.attach(live);
    this.#listener.attached();
  }

  /** The link in use has ended. */
  #lose(why: BusError): void {
    const live = this.#live;
    if (!live) return;
    const error = why.reason === 'TERABUS_NATS_UNAUTHENTICATED' ? why : disconnectedError(why.rawMessage, why.cause);
    this.#down = { error, since: this.#clock.elapsed() };
    this.#pool.learn(live.link.peers, live.server);
    const unconfirmed = this.#leave(error);
    this.#listener.emit({ kind: 'disconnected', server: live.link.server, error, unconfirmed });
    if (this.#clock.elapsed() - live.since >= STEADY_MS) this.#waits.reset();
    void this.#restore();
  }

  /** Says how many publishes may be lost. */
  #leave(error: BusError): number {
    const live = this.#live;
    this.#live = undefined;
    this.outbox.detach();
    this.subscriptions.detach();
    live?.heartbeat.stop();
    live?.link.destroy();
    const unconfirmed = live?.ledger.end(error) ?? 0;
    this.#listener.lost(error);
    return unconfirmed;
  }

  async #restore(): Promise<void> {
    while (!this.#closed) {
      await this.#pause.wait(this.#waits.next());
      for (let tries = this.#pool.size; tries > 0 && this.state === 'down'; tries -= 1) {
        try {
          await this.#connect(RENEWAL_TIMEOUT_MS);
          return;
        } catch (error) {
          this.#failed(BusError.from(error));
        }
      }
    }
  }

  #failed(error: BusError): void {
    if (error.reason !== 'TERABUS_NATS_UNAUTHENTICATED') return;
    this.#refusedLogins += 1;
    if (this.#refusedLogins >= REFUSED_LOGINS) this.troubles.add('login', error);
  }
}
