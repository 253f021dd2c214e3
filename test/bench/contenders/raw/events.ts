import { connect } from 'nats';
import type { Sides } from '../../process/contender.js';
import { contents, topicName } from '../../process/content.js';
import { encodeEnvelope, takeEvents } from './codec.js';

/** Events by nats.js and stock code. A subscription for each reader, as Terabus has. */
export const events: Sides = {
  lanes: ({ topics }) => topics,
  async receive({ url, setting: { topics, readers } }, take) {
    const connection = await connect({ servers: url });
    const subjects =
      readers === 'pattern'
        ? [topics === 1 ? topicName(0) : 'bench.events.*']
        : Array.from({ length: topics }, (_, topic) => topicName(topic));
    for (const subject of subjects) {
      connection.subscribe(subject, {
        callback: (error, { data }) => {
          if (error) throw error;
          takeEvents(data, take);
        },
      });
    }
    await connection.flush();
  },
  async send({ url, setting: { payload, perEnvelope, topics } }) {
    const connection = await connect({ servers: url });
    const content = contents(payload);
    const names = Array.from({ length: topics }, (_, topic) => topicName(topic));
    return {
      hand(n) {
        const topic = names[n % topics] ?? '';
        const events = Array.from({ length: perEnvelope }, (_, index) => content(n + index));
        connection.publish(topic, encodeEnvelope(topic, events));
      },
      flush: () => connection.flush(),
    };
  },
};
