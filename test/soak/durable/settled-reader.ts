import { setTimeout as pause } from 'node:timers/promises';
import { toName } from '@terabus/core/transport';
import { AckPolicy, type Consumer, connect, DeliverPolicy, type NatsConnection, nanos, type StreamInfo } from 'nats';

const PATIENCE_MS = 90_000;
const AGAIN_MS = 100;
/** As long as this nothing more comes, and the stream has no more. */
const IDLE_MS = 500;

/** What lies in a stream. */
export interface Lying {
  readonly subject: string;
  readonly sequence: number;
  readonly text: string;
  readonly messageId: string;
}

/** Somebody with all rights who is no Terabus, at any of some servers. */
export function connectAdministrator(servers: readonly string[]): Promise<NatsConnection> {
  return connect({
    servers: [...servers],
    maxReconnectAttempts: -1,
    reconnectTimeWait: AGAIN_MS,
    waitOnFirstConnect: true,
  });
}

/** How a stream is, once it has a leader and all its replicas are current; undefined where there is none. */
export async function settledStream(connection: NatsConnection, stream: string): Promise<StreamInfo | undefined> {
  const jsm = await connection.jetstreamManager({ checkAPI: false, timeout: 2_000 });
  const deadline = performance.now() + PATIENCE_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const info = await jsm.streams.info(toName(stream));
      const { cluster } = info;
      const replicas = cluster?.replicas ?? [];
      // What lags would say that acknowledged messages are missing.
      if (cluster === undefined || (cluster.leader && replicas.every(({ current, offline }) => current && !offline))) {
        return info;
      }
      last = cluster;
    } catch (error) {
      last = error;
      if (isMissing(error)) return undefined;
    }
    await pause(AGAIN_MS);
  }
  throw new Error(`the stream ${stream} did not settle within ${PATIENCE_MS} ms: ${show(last)}`);
}

/**
 * Waits until a stream is settled, and reads each of its copies from the first to the last message: by a consumer on the
 * server that has the copy, since a consumer reads what lies beside it. Resolves with the names of the servers; undefined
 * where there is no stream.
 */
export async function readCopies(
  servers: readonly string[],
  stream: string,
  take: (lying: Lying, copy: string) => void,
): Promise<readonly string[] | undefined> {
  const connection = await connectAdministrator(servers);
  try {
    const info = await settledStream(connection, stream);
    if (info === undefined) return undefined;
    const { leader = '', replicas = [] } = info.cluster ?? {};
    const copies = [leader, ...replicas.map(({ name }) => name)];
    if (info.state.messages > 0) {
      for (const copy of copies) await readCopy(connection, stream, copy, (lying) => take(lying, copy));
    }
    return copies;
  } finally {
    await connection.close();
  }
}

async function readCopy(connection: NatsConnection, stream: string, copy: string, take: (lying: Lying) => void) {
  const consumer = await consumerAt(connection, stream, copy);
  for await (const message of await consumer.consume({ max_messages: 1_000 })) {
    take({
      subject: message.subject,
      sequence: message.seq,
      text: message.string(),
      messageId: message.headers?.get('Terabus-Message-Id') ?? '',
    });
    if (message.info.pending > 0) continue;
    // Nothing is written any more; all the same the last look is at the stream.
    await pause(IDLE_MS);
    const after = await settledStream(connection, stream);
    if (after === undefined || after.state.last_seq <= message.seq) break;
  }
  // One that is left goes by itself.
  await consumer.delete().catch(() => false);
}

/** The server chooses where a consumer with one copy lies: as many are made as it takes. */
async function consumerAt(connection: NatsConnection, stream: string, copy: string): Promise<Consumer> {
  const name = toName(stream);
  const jsm = await connection.jetstreamManager({ checkAPI: false });
  const deadline = performance.now() + PATIENCE_MS;
  let last = 'each lay elsewhere';
  while (performance.now() < deadline) {
    try {
      const made = await jsm.consumers.add(name, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
        num_replicas: 1,
        inactive_threshold: nanos(PATIENCE_MS),
      });
      if ((made.cluster?.leader ?? '') === copy) {
        return await connection.jetstream({ checkAPI: false }).consumers.get(name, made.name);
      }
      await jsm.consumers.delete(name, made.name);
    } catch (error) {
      // A server that has just come back leaves some questions without an answer.
      last = show(error);
      await pause(AGAIN_MS);
    }
  }
  throw new Error(`no consumer of ${stream} came to lie at ${copy}: ${last}`);
}

const show = (what: unknown) => (what instanceof Error ? what.message : JSON.stringify(what));
const isMissing = (error: unknown) => /stream not found/.test(String((error as Error | undefined)?.message));
