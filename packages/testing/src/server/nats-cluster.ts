import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type NatsServer, startNatsServer } from './nats-server.js';

/** Electing takes a server of 2.9 up to 13 seconds, and it may have to do so twice. */
const READY_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Options of {@link startNatsCluster}. */
export interface NatsClusterOptions {
  /** How many servers there are. Defaults to 3: the fewest of which one may fail. */
  readonly size?: number;
}

/** Servers with JetStream that form one cluster on 127.0.0.1. They never outlive the process that started them. */
export interface NatsCluster extends AsyncDisposable {
  /** Each can be killed, paused and restarted on its own. */
  readonly servers: readonly NatsServer[];
  /** Where they listen, for `connectNats`. */
  readonly urls: readonly string[];
  /**
   * Resolves when all servers run and are healthy: JetStream has a leader, and what lies on each of them is current.
   * Rejects with an `Error` when that is not so after 60 seconds.
   */
  ready(): Promise<void>;
  /** Ends all servers and removes their directories. Calling it again does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of nats-servers with JetStream, and resolves when it can store: that takes seconds, since they have
 * to elect a leader.
 *
 * Throws an `Error` as `startNatsServer` does.
 */
export async function startNatsCluster({ size = 3 }: NatsClusterOptions = {}): Promise<NatsCluster> {
  const ports = await freePorts(size);
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const started = await Promise.allSettled(
    ports.map((port, n) =>
      startNatsServer({
        jetstream: true,
        configuration: [
          `server_name: "node${n + 1}"`,
          'http: "127.0.0.1:-1"',
          'lame_duck_grace_period: "1s"',
          'lame_duck_duration: "30s"',
          `cluster { name: "terabus", listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        ].join('\n'),
      }),
    ),
  );
  const servers = started.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const cluster = new LaunchedCluster(servers);
  const failed = started.find((each) => each.status === 'rejected');
  try {
    if (failed) throw failed.reason;
    await cluster.ready();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class LaunchedCluster implements NatsCluster {
  readonly servers: readonly NatsServer[];

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  async ready(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const states = await Promise.all(this.servers.map(stateOf));
      const leaders = new Set(states);
      if (leaders.size === 1 && !leaders.has(undefined)) return;
      if (performance.now() > deadline) {
        throw new Error(`the cluster was not healthy after ${READY_TIMEOUT_MS} ms\n${this.#logs()}`);
      }
      await wait(LOOK_EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #logs(): string {
    return this.servers.map((server) => server.log().slice(-2_000)).join('\n');
  }
}

/** Who leads JetStream, as a healthy server knows; undefined of one that is not. */
async function stateOf({ directory, pid }: NatsServer): Promise<string | undefined> {
  try {
    const file = await readFile(join(directory, `nats-server_${pid}.ports`), 'utf8');
    const { monitoring } = JSON.parse(file) as { readonly monitoring: readonly [string] };
    const signal = AbortSignal.timeout(1_000);
    const { ok } = await fetch(`${monitoring[0]}/healthz`, { signal });
    if (!ok) return undefined;
    const jsz = (await (await fetch(`${monitoring[0]}/jsz`, { signal })).json()) as {
      readonly meta_cluster?: { readonly leader?: string };
    };
    return jsz.meta_cluster?.leader || undefined;
  } catch {
    return undefined; // it does not run, or hangs
  }
}

/** Servers of a cluster have to know each other's ports before they start. */
async function freePorts(count: number): Promise<number[]> {
  const listeners: Server[] = [];
  try {
    for (let n = 0; n < count; n++) {
      const listener = createServer().listen(0, '127.0.0.1');
      listeners.push(listener);
      await once(listener, 'listening');
    }
    return listeners.map((listener) => (listener.address() as { port: number }).port);
  } finally {
    for (const listener of listeners) listener.close();
  }
}
