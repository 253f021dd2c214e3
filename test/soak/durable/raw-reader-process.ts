// A reader of nats.js alone, by a consumer of its own: what it is never handed out, the server keeps to itself.
import { toName } from '@terabus/core/transport';
import { AckPolicy, connect, DeliverPolicy, nanos } from 'nats';
import { serve } from '../run/child-process.js';
import { missingOf } from './missing-of.js';
import type { Written } from './writers-process.js';

const CONSUMER = 'raw';
const MOST_AT_ONCE = 256;
const ACK_WAIT_MS = 10_000;
const AGAIN_MS = 500;

const handedOut = new Set<string>();
/** Why it had to begin anew, and how often. */
const troubles: Record<string, number> = {};

const methods = {
  async open({ urls, stream, replicas }: { urls: readonly string[]; stream: string; replicas: number }) {
    const connection = await connect({ servers: [...urls], maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const jsm = await connection.jetstreamManager({ checkAPI: false });
    const name = toName(stream);
    await jsm.consumers.add(name, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      deliver_policy: DeliverPolicy.All,
      num_replicas: replicas,
    });
    const { consumers } = connection.jetstream({ checkAPI: false });
    const read = async () => {
      const consumer = await consumers.get(name, CONSUMER);
      for await (const message of await consumer.consume({ max_messages: MOST_AT_ONCE })) {
        handedOut.add(message.string());
        message.ack();
      }
    };
    const readOn = async () => {
      for (;;) {
        await read().catch(({ message }: Error) => {
          troubles[message] = (troubles[message] ?? 0) + 1;
        });
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    };
    void readOn();
  },
  /** The acknowledged ones that it was never handed out. */
  missing: (written: readonly Written[]) => missingOf(written, handedOut),
  troubles: () => troubles,
};
export type RawReaderMethods = typeof methods;

if (process.send !== undefined) serve(methods);
