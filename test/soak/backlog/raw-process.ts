// The same with nats.js alone, and the same guarantees: a message id and an acknowledgement for each, and an ack for each
// that is taken.
import { connect, createInbox, headers, type NatsConnection } from 'nats';
import { serve } from '../run/child-process.js';
import { atMost } from './at-most.js';
import { MESSAGE_BYTES } from './service.js';

let connection: NatsConnection;

const methods = {
  async connect(url: string) {
    connection = await connect({ servers: url });
  },
  async publish({ messages, most, subject }: { messages: number; most: number; subject: string }) {
    const stream = connection.jetstream();
    const payload = new TextEncoder().encode('x'.repeat(MESSAGE_BYTES));
    let n = 0;
    const run = createInbox();
    return atMost(messages, most, () => {
      n += 1;
      // As many headers as a message of Terabus has.
      const own = headers();
      own.set('Terabus-Message-Id', `${run}.${n}`);
      return stream.publish(subject, payload, { msgID: `${run}.${n}`, headers: own, timeout: 20_000 });
    });
  },
  /** Takes and acknowledges so many. Resolves with how many milliseconds it took. */
  async consume({ stream, consumer, messages }: { stream: string; consumer: string; messages: number }) {
    const from = await connection.jetstream().consumers.get(stream, consumer);
    const begin = performance.now();
    let taken = 0;
    const messagesOf = await from.consume({ max_messages: 256 });
    for await (const message of messagesOf) {
      message.ack();
      taken += 1;
      if (taken === messages) break;
    }
    await connection.flush();
    return performance.now() - begin;
  },
};
export type RawMethods = typeof methods;

serve(methods);
