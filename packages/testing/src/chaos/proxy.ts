import type { Direction } from './direction.js';
import type { Rule, RuleOptions } from './rule.js';
import type { Seed } from './seeded-random.js';

/** Options of {@link startProxy}. */
export interface ProxyOptions {
  /** The server: a port on 127.0.0.1, or a URL. Port 4222 if the URL has none. */
  readonly target: number | string;
  /** For probabilities and jitter. By default a new one. `TERABUS_SEED` in the environment wins over it. */
  readonly seed?: Seed;
}

/**
 * A TCP proxy on 127.0.0.1, in this process. Faults of the line ({@link ChaosProxy.cut}, {@link ChaosProxy.blackhole},
 * {@link ChaosProxy.delay}, {@link ChaosProxy.drip}) hold for connections that are there and those to come, until
 * {@link ChaosProxy.pass}; they add up. Rules ({@link ChaosProxy.drop}, {@link ChaosProxy.duplicate}, {@link ChaosProxy.swap}) hold until
 * they are removed, and take messages of NATS' protocol, not under TLS; all else goes through them untouched.
 *
 * All throw a `TypeError` or `RangeError` for values that make no sense.
 */
export interface ChaosProxy extends AsyncDisposable {
  /** What clients dial: `nats://127.0.0.1:<port>`, with scheme, user and password of the target's URL. */
  readonly url: string;
  readonly port: number;
  readonly seed: string;
  /** How many connections are open. */
  readonly connections: number;
  /** How many connections there have been, open ones included; not those that a cut refused. */
  readonly accepted: number;

  /** Heals the line: what was held goes on at once, in order. */
  pass(): void;
  /**
   * Ends all connections at once (RST), and each new one as soon as it is there. With `once`, only those that are open:
   * the next one gets through.
   */
  cut(options?: { readonly once?: boolean }): void;
  /**
   * A partition: no byte arrives any more and nothing is closed, not even when one end closes; new connections are
   * accepted in silence. As TCP sends again what was not confirmed, bytes are held and arrive when the line heals:
   * up to 1 MiB for each way of each connection, then the sender's own buffers fill. One way or both; a later call
   * replaces an earlier one.
   */
  blackhole(direction?: Direction | 'both'): void;
  /**
   * Holds what comes from now on for `ms` ± `jitterMs` milliseconds on each way, in order. No more than 1 MiB for each
   * way of each connection is held, which limits the speed of a line with a long delay.
   */
  delay(ms: number, jitterMs?: number): void;
  /** Lets so many bytes through per second, on each way of each connection. */
  drip(bytesPerSecond: number): void;

  /**
   * Ends one way of all open connections (FIN), as a peer that will send nothing more: `'to-client'` is what clients
   * see of it. What the peer sends nevertheless goes nowhere; the other way stays open.
   */
  halfClose(direction: Direction): void;
  /**
   * Sends bytes into all open connections, as if the other side had, and not inside a message. Returns into how many.
   */
  inject(bytes: string | Uint8Array, direction: Direction): number;

  /** Takes messages out. */
  drop(pattern: string, options?: RuleOptions): Rule;
  /** Sends messages twice, one copy behind the other. */
  duplicate(pattern: string, options?: RuleOptions): Rule;
  /**
   * Sends messages behind the next one that the pattern matches on the same connection, for which they wait: until it
   * comes, the rule is removed or the connection ends. What is no such message overtakes, a PING too.
   */
  swap(pattern: string, options?: RuleOptions): Rule;

  /** Ends all connections and the proxy. Calling it again does nothing. */
  stop(): Promise<void>;
}
