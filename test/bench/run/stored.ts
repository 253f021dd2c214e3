import { connect } from 'nats';

/** Where durable events of the bench are published, by every contender. */
const SUBJECT = 'bench.durable.events';

/** How many events the stream holds, and how many of them the consumers have not finished. */
export async function streamState(url: string): Promise<{ stored: number; unfinished: number }> {
  const connection = await connect({ servers: url });
  try {
    const manager = await connection.jetstreamManager();
    const name = await manager.streams.find(SUBJECT);
    const { state } = await manager.streams.info(name);
    const consumers = await manager.consumers.list(name).next();
    const unfinished = consumers.reduce(
      (sum, { num_pending, num_ack_pending }) => sum + num_pending + num_ack_pending,
      0,
    );
    return { stored: state.messages, unfinished };
  } finally {
    await connection.close();
  }
}
