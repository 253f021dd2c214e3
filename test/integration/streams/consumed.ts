import type { Consuming, StreamDelivery, Transport } from '@terabus/core/transport';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { consumer, stream } from './plans.js';

/** Takes what a consumer hands out, and keeps it. */
export class Consumed {
  readonly deliveries: StreamDelivery[] = [];
  consuming!: Consuming;

  static async start(
    transport: Transport,
    options: { maxUnsettled?: number; maxUnsettledBytes?: number; stream?: string; consumer?: string } = {},
    settle: (delivery: StreamDelivery) => void = () => {},
  ): Promise<Consumed> {
    const consumed = new Consumed();
    consumed.consuming = await transport.streams.consume(
      { stream: stream().name, consumer: consumer().name, maxUnsettled: 100, maxUnsettledBytes: 1e6, ...options },
      (delivery) => {
        consumed.deliveries.push(delivery);
        settle(delivery);
      },
    );
    return consumed;
  }

  get sequences(): number[] {
    return this.deliveries.map(({ sequence }) => sequence);
  }

  async until(count: number, patienceMs?: number): Promise<StreamDelivery[]> {
    await eventually(() => {
      expect(this.deliveries.length).to.be.at.least(count);
    }, patienceMs);
    return this.deliveries;
  }
}

/** Stores so many messages, one after the other. */
export async function storeSome(transport: Transport, count: number, size = 10, from = 0): Promise<void> {
  const all = Array.from({ length: count }, (_, i) =>
    transport.streams.store(
      {
        subject: `ward.events.${from + i}`,
        bytes: new Uint8Array(size),
        stream: stream().name,
        messageId: `some-${from + i}`,
      },
      5_000,
    ),
  );
  await Promise.all(all);
}

/** The reason of a rejection. */
export const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no rejection',
    (error: { reason?: string; message: string }) => error.reason ?? error.message,
  );
