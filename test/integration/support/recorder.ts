import { type Inbound, type Transport, toSubject } from '@terabus/core/transport';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What a subscription was given, as text; of a byte order mark too, which is one of the strange topics. */
export const text = ({ bytes }: Inbound) => decoder.decode(bytes);

/** Text as a message carries it. */
export const bytes = (content: string) => new TextEncoder().encode(content);

/** Subscribes to one topic, or to a pattern if `pattern` is given, and keeps what comes. */
export async function record(transport: Transport, subject: { topic: string } | { pattern: string }) {
  const received: Inbound[] = [];
  const pattern = 'topic' in subject ? toSubject(subject.topic) : subject.pattern;
  const subscription = await transport.subscribe(pattern, {}, (message) => received.push(message));
  return {
    /** Ends the subscription: after this, all that was published before is there. */
    async stop(): Promise<Inbound[]> {
      await subscription.drain();
      return received;
    },
  };
}

/** Sends a request and waits for its end. */
export function ask(transport: Transport, topic: string, question = '') {
  return new Promise<Inbound | Error>((resolve) => transport.request({ topic, bytes: bytes(question) }, resolve));
}

/** Answers each request to a topic with `answer to <question>`; counts what wanted an answer and what did not. */
export async function answering(transport: Transport, topic: string) {
  const seen = { answered: 0, unanswerable: 0 };
  await transport.subscribe(toSubject(topic), {}, (message) => {
    if (message.replyTo === undefined) {
      seen.unanswerable += 1;
      return;
    }
    seen.answered += 1;
    void transport.respond(message.replyTo, bytes(`answer to ${text(message)}`));
  });
  return seen;
}
