import type { StoredMessage, StorePlan, Transport } from '@terabus/core/transport';

/** What a stream holds, the oldest first. */
export async function* storedIn(transport: Transport, stream: string): AsyncGenerator<StoredMessage> {
  for (let fromSequence = 1; ; ) {
    const message = await transport.streams.read(stream, { fromSequence });
    if (message === undefined) return;
    yield message;
    fromSequence = message.sequence + 1;
  }
}

/** How many messages the consumers of a plan have not finished, over all of them. */
export async function unfinished(transport: Transport, plan: StorePlan): Promise<number> {
  let sum = 0;
  for (const { name, consumers } of plan.streams) {
    for (const consumer of consumers) {
      const { pending, unsettled } = await transport.streams.consumerState(name, consumer.name);
      sum += pending + unsettled;
    }
  }
  return sum;
}
