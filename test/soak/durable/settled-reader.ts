import { setTimeout as pause } from 'node:timers/promises';
import { toName } from '@terabus/core/transport';
import { connect, consumerOpts, type NatsConnection, type StreamInfo } from 'nats';

const PATIENCE_MS = 90_000;
const AGAIN_MS = 100;
/** As long as this nothing more comes, and the stream has no more. */
const IDLE_MS = 500;

/** What lies in a stream. */
export interface Lying {
  readonly subject: string;
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

/** Waits until a stream is settled, and reads it from the first to the last message. False where there is no stream. */
export async function readSettled(
  servers: readonly string[],
  stream: string,
  take: (lying: Lying) => void,
): Promise<boolean> {
  const connection = await connectAdministrator(servers);
  try {
    const info = await settledStream(connection, stream);
    if (info === undefined) return false;
    if (info.state.messages === 0) return true;
    const options = consumerOpts();
    options.orderedConsumer();
    options.bindStream(toName(stream));
    const messages = await connection.jetstream({ checkAPI: false }).subscribe('>', options);
    for await (const message of messages) {
      take({
        subject: message.subject,
        text: message.string(),
        messageId: message.headers?.get('Terabus-Message-Id') ?? '',
      });
      if (message.info.pending > 0) continue;
      // Nothing is written any more; all the same the last look is at the stream.
      await pause(IDLE_MS);
      const after = await settledStream(connection, stream);
      if (after === undefined || after.state.last_seq <= message.seq) break;
    }
    return true;
  } finally {
    await connection.close();
  }
}

const show = (what: unknown) => (what instanceof Error ? what.message : JSON.stringify(what));
const isMissing = (error: unknown) => /stream not found/.test(String((error as Error | undefined)?.message));
