import { setTimeout as pause } from 'node:timers/promises';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import type { Child } from '../run/child.js';
import { sharedNow } from '../run/stall-meter.js';
import { until } from '../run/until.js';
import { Wire } from '../run/wire.js';
import type { LinksMethods } from './links-process.js';
import { NUMBERS, QUESTIONS, TICKS } from './links-process.js';

const PATIENCE_MS = 20_000;
const TICK_MS = 5;

/** What is done to a link. */
export type FaultKind = 'cut' | 'kill' | 'blackhole' | 'pause';

/** What came of one fault, in milliseconds on the clock that processes share. */
export interface Endured {
  readonly kind: FaultKind;
  /** Which disconnect of the client it was, from 0. */
  readonly disconnect: number;
  readonly faultAt: number;
  readonly downAt: number;
  /** When server and line were whole again. */
  readonly backAt: number;
  readonly upAt: number;
}

/** A server of its own, a proxy before it, one client behind the proxy, and a witness that is not behind it. */
export class Rig {
  readonly #number: number;
  readonly #child: Child<LinksMethods>;
  readonly #server: NatsServer;
  readonly #proxy: ChaosProxy;
  #witness: Wire;
  readonly #ticking: NodeJS.Timeout;
  /** The numbers that arrived, and how often. */
  readonly arrived = new Map<number, number>();

  private constructor(
    number: number,
    child: Child<LinksMethods>,
    server: NatsServer,
    proxy: ChaosProxy,
    witness: Wire,
  ) {
    this.#number = number;
    this.#child = child;
    this.#server = server;
    this.#proxy = proxy;
    this.#witness = witness;
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  static async start(number: number, child: Child<LinksMethods>): Promise<Rig> {
    const server = await startNatsServer();
    const proxy = await startProxy({ target: server.port });
    const rig = new Rig(number, child, server, proxy, await Wire.connect(server.port));
    await rig.#watch();
    await child.call('open', { rig: number, url: proxy.url });
    return rig;
  }

  /** Does it, waits until the client has found out, heals it, and waits until the client is back. */
  async endure(kind: FaultKind): Promise<Endured> {
    const before = await this.#child.call('link', this.#number);
    const faultAt = sharedNow();
    await this.#hurt(kind);
    const down = await this.#seen('downAt', before.downAt.length);
    const backAt = await this.#heal(kind, faultAt);
    const upAt = await this.#seen('upAt', before.upAt.length);
    return { kind, disconnect: before.downAt.length, faultAt, downAt: down, backAt, upAt };
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    await this.#child.call('close', this.#number).catch(() => undefined);
    this.#witness.close();
    await this.#proxy.stop();
    await this.#server.stop();
  }

  /** All that reached the server has reached the witness. */
  flush(): Promise<void> {
    return this.#witness.flush();
  }

  async #hurt(kind: FaultKind): Promise<void> {
    if (kind === 'cut') this.#proxy.cut({ once: true });
    if (kind === 'blackhole') this.#proxy.blackhole();
    if (kind === 'pause') await this.#server.pause();
    if (kind === 'kill') {
      await this.#server.kill();
      // Until the witness is back, so that it sees all that the next server is given.
      this.#proxy.cut();
    }
  }

  async #heal(kind: FaultKind, faultAt: number): Promise<number> {
    if (kind === 'cut') return faultAt;
    if (kind === 'pause') this.#server.resume();
    if (kind === 'kill') {
      await this.#server.restart();
      await this.#watch();
    }
    const backAt = sharedNow();
    this.#proxy.pass();
    return backAt;
  }

  async #seen(what: 'downAt' | 'upAt', known: number): Promise<number> {
    let at: number | undefined;
    const found = await until(async () => {
      at = (await this.#child.call('link', this.#number))[what][known];
      return at !== undefined;
    }, PATIENCE_MS);
    if (!found || at === undefined) throw new Error(`rig ${this.#number}: no ${what} within ${PATIENCE_MS} ms`);
    return at;
  }

  /** Also after a restart: the witness of a killed server is deaf. */
  async #watch(): Promise<void> {
    this.#witness.close();
    this.#witness = await Wire.connect(this.#server.port);
    this.#witness.onMessage = ({ subject, payload }) => {
      if (subject !== NUMBERS) return;
      const id = Number(payload.toString('latin1'));
      this.arrived.set(id, (this.arrived.get(id) ?? 0) + 1);
    };
    this.#witness.subscribe(NUMBERS, 1);
    // Heard, and never answered.
    this.#witness.subscribe(QUESTIONS, 2);
    await this.#witness.flush();
  }

  #tick(): void {
    this.#witness.publish(TICKS, Buffer.alloc(0));
    void this.#witness.drained();
  }
}

/** Lets some time of work pass between two faults. */
export const peace = (ms: number): Promise<void> => pause(ms);
