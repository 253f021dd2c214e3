import type { Inbound, SubscribeOptions, Transport, TransportSubscription } from '@terabus/core/transport';
import { text } from './messages.js';

/** A subscription that keeps what it gets. */
export interface Listener {
  /** What arrived so far. */
  readonly messages: readonly Inbound[];
  readonly subscription: TransportSubscription;
  /** Resolves with the first `count` messages when so many have arrived. */
  first(count: number): Promise<readonly Inbound[]>;
  /**
   * Ends the subscription and resolves with all that arrived: everything that these connections published so far to
   * topics of this subscription, and nothing that arrives later could be missing. So it shows without any waiting
   * time that something does not arrive.
   */
  everythingFrom(...publishers: Transport[]): Promise<readonly Inbound[]>;
  /** The same as text, in order of arrival. */
  textsFrom(...publishers: Transport[]): Promise<readonly string[]>;
  /** The same as topics, in alphabetical order, since the port promises none between topics. */
  topicsFrom(...publishers: Transport[]): Promise<readonly string[]>;
}

/** Subscribes with a {@link Listener}. `onMessage` is called with each message after it was kept. */
export async function listen(
  transport: Transport,
  pattern: string,
  options: SubscribeOptions & { readonly onMessage?: (message: Inbound) => void } = {},
): Promise<Listener> {
  const messages: Inbound[] = [];
  let wanted = 0;
  let arrived = () => {};
  const { onMessage, ...subscribeOptions } = options;
  const subscription = await transport.subscribe(pattern, subscribeOptions, (message) => {
    messages.push(message);
    if (messages.length === wanted) arrived();
    onMessage?.(message);
  });

  const everythingFrom = async (...publishers: Transport[]) => {
    await Promise.all(publishers.map((publisher) => publisher.flush()));
    await subscription.drain();
    return messages;
  };

  return {
    messages,
    subscription,
    first: async (count) => {
      if (messages.length < count) {
        await new Promise<void>((resolve) => {
          wanted = count;
          arrived = resolve;
        });
      }
      return messages.slice(0, count);
    },
    everythingFrom,
    textsFrom: async (...publishers) => (await everythingFrom(...publishers)).map(text),
    topicsFrom: async (...publishers) => (await everythingFrom(...publishers)).map(({ topic }) => topic).sort(),
  };
}
