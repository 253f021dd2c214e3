import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ProxyConnection, type Surroundings } from './connection.js';
import { checkDirection, type Direction } from './direction.js';
import { type Lane, reset } from './lane.js';
import { Line } from './line.js';
import type { ChaosProxy, ProxyOptions } from './proxy.js';
import { type Rule, type RuleAction, type RuleOptions, WorkingRule } from './rule.js';
import { RuleBook } from './rule-book.js';
import { chooseSeed, type SeededRandom, seededRandom } from './seeded-random.js';
import { readTarget } from './target.js';

/**
 * Starts a proxy on a free port of 127.0.0.1 in front of a server, which need not run yet: as long as it doesn't,
 * connections are ended at once.
 */
export async function startProxy(options: ProxyOptions): Promise<ChaosProxy> {
  const { target, url } = readTarget(options.target);
  const random = seededRandom(chooseSeed(options.seed));
  const server = createServer({ allowHalfOpen: true });
  const lines = { 'to-server': new Line(random.fork('to-server')), 'to-client': new Line(random.fork('to-client')) };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A proxy that somebody forgot does not keep a finished test run alive.
  server.unref();
  return new TcpProxy(server, { target, lines, rules: new RuleBook() }, random, url);
}

class TcpProxy implements ChaosProxy {
  readonly port: number;
  readonly url: string;
  readonly #server: Server;
  readonly #surroundings: Surroundings;
  readonly #random: SeededRandom;
  readonly #open = new Set<ProxyConnection>();
  #accepted = 0;
  #isCut = false;
  #rulesMade = 0;
  #stopped: Promise<void> | undefined;

  constructor(server: Server, surroundings: Surroundings, random: SeededRandom, url: (port: number) => string) {
    this.#server = server;
    this.#surroundings = surroundings;
    this.#random = random;
    this.port = (server.address() as AddressInfo).port;
    this.url = url(this.port);
    server.on('connection', (socket) => this.#accept(socket));
  }

  get seed(): string {
    return this.#random.seed;
  }

  get connections(): number {
    return this.#open.size;
  }

  get accepted(): number {
    return this.#accepted;
  }

  pass(): void {
    this.#isCut = false;
    for (const line of this.#lines) line.heal();
    for (const connection of this.#open) connection.hurry();
  }

  cut({ once: isOnce = false }: { readonly once?: boolean } = {}): void {
    this.#isCut ||= !isOnce;
    for (const connection of [...this.#open]) connection.reset();
  }

  blackhole(direction: Direction | 'both' = 'both'): void {
    checkDirection(direction, ['both']);
    const { lines } = this.#surroundings;
    lines['to-server'].isBlocked = direction !== 'to-client';
    lines['to-client'].isBlocked = direction !== 'to-server';
    for (const connection of this.#open) connection.move();
  }

  delay(ms: number, jitterMs = 0): void {
    checkNumber('delay', ms, 0);
    checkNumber('jitter', jitterMs, 0);
    for (const line of this.#lines) Object.assign(line, { delayMs: ms, jitterMs });
  }

  drip(bytesPerSecond: number): void {
    checkNumber('bytesPerSecond', bytesPerSecond, 1);
    for (const line of this.#lines) line.bytesPerSecond = bytesPerSecond;
  }

  halfClose(direction: Direction): void {
    checkDirection(direction);
    for (const { lanes } of this.#open) lanes[direction].end();
  }

  inject(bytes: string | Uint8Array, direction: Direction): number {
    checkDirection(direction);
    for (const { lanes } of this.#open) lanes[direction].inject(Buffer.from(bytes));
    return this.#open.size;
  }

  drop(pattern: string, options?: RuleOptions): Rule {
    return this.#rule('drop', pattern, options);
  }

  duplicate(pattern: string, options?: RuleOptions): Rule {
    return this.#rule('duplicate', pattern, options);
  }

  swap(pattern: string, options?: RuleOptions): Rule {
    return this.#rule('swap', pattern, options);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  get #lines(): readonly Line[] {
    return Object.values(this.#surroundings.lines);
  }

  #accept(socket: Socket): void {
    if (this.#isCut) {
      socket.on('error', () => undefined);
      reset(socket);
      return;
    }
    this.#accepted += 1;
    const connection = new ProxyConnection(socket, this.#surroundings, () => this.#open.delete(connection));
    this.#open.add(connection);
  }

  #rule(action: RuleAction, pattern: string, options: RuleOptions = {}): Rule {
    // Of its own, so that one rule draws the same whatever the others do.
    const random = this.#random.fork(`rule ${this.#rulesMade}`);
    const rule = new WorkingRule<Lane>(action, pattern, options, random);
    this.#rulesMade += 1;
    const { rules } = this.#surroundings;
    rules.add(rule);
    return {
      action,
      pattern,
      hits: rule.hits,
      get matched() {
        return rule.matched;
      },
      remove: () => {
        const lanes = [...this.#open].map(({ lanes }) => lanes[rule.on]);
        for (const [lane, frames] of rules.remove(rule, lanes)) lane.send(frames);
      },
    };
  }

  async #stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.ref();
    this.#server.close();
    this.cut();
    await closed;
  }
}

function checkNumber(name: string, value: number, least: number): void {
  if (value >= least) return;
  throw new RangeError(`${name} is ${value}: a number of ${least} or more is needed.`);
}
