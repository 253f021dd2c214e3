import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from './free-ports.js';
import type { LaunchedServer } from './launched-server.js';
import { launch, type NatsServer } from './nats-server.js';

/** For the election of a leader; 2.9 needs 5 seconds at most when nothing is wrong. */
const LEADER_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** How often ports that somebody else has taken in the meantime are replaced by others. */
const TRIES = 5;

const LEADER = /(?:Self is new JetStream cluster metadata leader|JetStream cluster new metadata leader)/;

/** Options of {@link startNatsCluster}. */
export interface NatsClusterOptions {
  /** How many servers. Defaults to 3, the fewest that can lose one. */
  readonly size?: number;
  /** Text for the configuration of each of them, such as their users. Nothing by default. */
  readonly configuration?: string;
}

/** A cluster of nats-servers with JetStream, on 127.0.0.1. It never outlives the process that started it. */
export interface NatsCluster extends AsyncDisposable {
  /** Each can be killed, paused, restarted and sent into lame duck mode by itself; a stopped one does not come back. */
  readonly nodes: readonly NatsServer[];
  /** The addresses of all nodes, for `servers` of a client. */
  readonly urls: readonly string[];
  /** Ends all nodes and removes their directories. Calling it again does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of nats-servers, each with JetStream and a directory of its own, and resolves when they have agreed on
 * a leader.
 *
 * ```ts
 * await using cluster = await startNatsCluster();
 * const transport = await connectNats({ servers: [...cluster.urls] });
 * await cluster.nodes[0].kill();
 * ```
 *
 * Throws an `Error` when no binary is found, and one with a log when a server does not start or none leads.
 */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(options);
    } catch (error) {
      if (tries === TRIES || !/address already in use/.test((error as Error).message)) throw error;
    }
  }
}

async function start({ size = 3, configuration }: NatsClusterOptions): Promise<NatsCluster> {
  const ports = await freePorts(size);
  const started = await Promise.allSettled(
    ports.map((_, index) =>
      launch({ jetstream: true, ...(configuration !== undefined && { configuration }) }, settings(ports, index)),
    ),
  );
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    await Promise.all(nodes.map(untilLed));
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, urls: nodes.map(({ url }) => url), stop, [Symbol.asyncDispose]: stop };
}

/** A route to itself is one that a server leaves out; with all of them each knows how many there will be. */
const settings = (ports: readonly number[], index: number): string => `
server_name: node-${index + 1}
cluster {
  name: terabus
  listen: "127.0.0.1:${ports[index]}"
  routes: [${ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')}]
}
`;

async function untilLed(node: LaunchedServer): Promise<void> {
  const deadline = performance.now() + LEADER_TIMEOUT_MS;
  while (!LEADER.test(node.log())) {
    if (performance.now() > deadline) throw new Error(`the nats-server has no leader\n${node.log()}`);
    await wait(LOOK_EVERY_MS);
  }
}
