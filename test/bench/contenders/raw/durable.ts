import { AckPolicy, connect, createInbox, DeliverPolicy, type JsMsg, nanos, RetentionPolicy, StorageType } from 'nats';
import type { Place, Sides } from '../../process/contender.js';
import { contents } from '../../process/content.js';
import { encodeEnvelope, takeEvents } from './codec.js';

const SUBJECT = 'bench.durable.events';
const STREAM = 'bench';
const CONSUMER = 'reader';
// As Terabus has them.
const ACK_WAIT_MS = 10_000;
const MAX_ACK_PENDING = 1_000;
const PREFETCH = 256;

/** A stream and a consumer like those of Terabus. */
async function prepare({ url }: Place): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await connection.jetstreamManager();
  await manager.streams.add({
    name: STREAM,
    subjects: [SUBJECT],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    duplicate_window: nanos(120_000),
    max_msgs: 10_000_000,
  });
  await manager.consumers.add(STREAM, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: MAX_ACK_PENDING,
  });
  await connection.close();
}

/** Events that are stored, by nats.js and stock code: an id for each, and its acknowledgement by the stream. */
export const store: Sides = {
  prepare,
  receive: async () => {},
  async send({ url, setting: { payload } }) {
    const connection = await connect({ servers: url });
    const stream = connection.jetstream();
    const content = contents(payload);
    const run = createInbox();
    return {
      async hand(n) {
        const bytes = encodeEnvelope(SUBJECT, [content(n)]);
        const { seq, duplicate } = await stream.publish(SUBJECT, bytes, { msgID: `${run}.${n}`, timeout: 20_000 });
        if (duplicate || seq < 1) throw new Error(`event ${n} was stored as ${seq}, duplicate ${duplicate}`);
      },
      flush: () => connection.flush(),
    };
  },
};

/** Events that were stored, taken by a pull consumer, each acknowledged behind its handler and prolonged while that runs. */
export const handle: Sides = {
  ...store,
  lanes: () => 1,
  async receive({ url }, take) {
    const connection = await connect({ servers: url });
    const consumer = await connection.jetstream().consumers.get(STREAM, CONSUMER);
    const running = new Set<JsMsg>();
    setInterval(() => {
      for (const message of running) message.working();
    }, ACK_WAIT_MS / 2).unref();
    const work = async () => {
      for await (const message of await consumer.consume({ max_messages: PREFETCH })) {
        running.add(message);
        takeEvents(message.data, take);
        running.delete(message);
        message.ack();
      }
    };
    void work();
  },
};
