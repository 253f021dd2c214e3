import type { Consuming, Stored, StoredMessage, StreamDelivery, Transport } from '@terabus/core/transport';
import { bytes } from '../messages.js';
import { CONSUMER, STREAM } from './plans.js';

let ids = 0;

/** A message id that nobody else has. */
export function anId(): string {
  ids += 1;
  return `conformance ${ids}`;
}

/** Stores a text, within more time than any case takes. */
export function store(
  transport: Transport,
  subject: string,
  content: string,
  {
    stream = STREAM,
    messageId = anId(),
    headers,
  }: {
    readonly stream?: string;
    readonly messageId?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Stored> {
  const all = headers && new Map(Object.entries(headers));
  return transport.streams.store({ subject, bytes: bytes(content), headers: all, stream, messageId }, 10_000);
}

/** Stores texts one after the other at `news.a`. */
export async function storeAll(transport: Transport, ...contents: string[]): Promise<void> {
  for (const content of contents) await store(transport, 'news.a', content);
}

/** An intake that keeps what it was given. */
export interface Reader {
  readonly deliveries: readonly StreamDelivery[];
  readonly consuming: Consuming;
  /** Resolves with the first `count` deliveries when so many have been made. */
  first(count: number): Promise<readonly StreamDelivery[]>;
}

/** Reads from a consumer. `onDelivery` is called with each delivery after it was kept. */
export async function readFrom(
  transport: Transport,
  {
    stream = STREAM,
    consumer = CONSUMER,
    maxUnsettled = 100,
    maxUnsettledBytes = 1_000_000,
    onDelivery = () => {},
  }: {
    readonly stream?: string;
    readonly consumer?: string;
    readonly maxUnsettled?: number;
    readonly maxUnsettledBytes?: number;
    readonly onDelivery?: (delivery: StreamDelivery) => void;
  } = {},
): Promise<Reader> {
  const deliveries: StreamDelivery[] = [];
  const waiting: { readonly count: number; readonly arrived: () => void }[] = [];
  const options = { stream, consumer, maxUnsettled, maxUnsettledBytes };
  const consuming = await transport.streams.consume(options, (delivery) => {
    deliveries.push(delivery);
    for (const { count, arrived } of waiting) if (count === deliveries.length) arrived();
    onDelivery(delivery);
  });
  return {
    deliveries,
    consuming,
    first: async (count) => {
      if (deliveries.length < count) {
        await new Promise<void>((arrived) => {
          waiting.push({ count, arrived });
        });
      }
      return deliveries.slice(0, count);
    },
  };
}

export function textOf({ bytes: content }: Pick<StoredMessage, 'bytes'>): string {
  return new TextDecoder().decode(content);
}

/** Deliveries as `text, how often it was handed out`. */
export function told(deliveries: readonly StreamDelivery[]): string[] {
  return deliveries.map((delivery) => `${textOf(delivery)} ${delivery.deliveries}`);
}
