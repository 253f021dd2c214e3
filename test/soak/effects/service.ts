import type { EventContext } from '@terabus/core';
import { defineService, defineTopic, from, OnPayload, Service, TeraService } from '@terabus/core';
import type { SqlInbox } from '@terabus/sql';

/** What is to be booked. A second copy behind the window is stored as another message. */
export const orders = defineTopic('soak.effects.orders', {
  wrapper: 'text',
  durable: { duplicateWindowMs: 1_000, retryAfterMs: 50 },
});
/** What the handlers publish. Where a process is killed each second, a handler's next run may come minutes later. */
export const booked = defineTopic('soak.effects.booked', {
  wrapper: 'text',
  durable: { duplicateWindowMs: 1_800_000 },
});

/** The application's tables. Nothing in them keeps an effect from being there twice. */
export const TABLES = 'create table orders (what text not null); create table effects (what text not null)';

/** Where a consumer may be killed, in the order in which it gets there. */
export const CONSUMER_POINTS = [
  'before the handler',
  'in the handler',
  'before the commit',
  'before the ack',
  'while the ack is on its way',
  'after the ack',
] as const;
export type ConsumerPoint = (typeof CONSUMER_POINTS)[number];

/** Where a publisher may be killed. */
export const PUBLISHER_POINTS = [
  'before the commit',
  'before the publish',
  'before the delete',
  'after the delete',
] as const;
export type PublisherPoint = (typeof PUBLISHER_POINTS)[number];

/** Where a process is to end, and how often it gets there before. */
export interface Doom<Point> {
  readonly point: Point;
  readonly times: number;
}

/** Ends the process at a point, as nothing but SIGKILL does: not one more line of it runs. */
export function doomed<Point>(doom: Doom<Point> | undefined): (reached: Point) => void {
  let left = doom?.times ?? 0;
  return (reached) => {
    if (reached !== doom?.point) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
}

/** What the handlers of this process work with. */
export const stage: { inbox?: SqlInbox; at: (reached: ConsumerPoint) => void } = { at: () => {} };

export const Booking = defineService('Soak.Booking', {});

/** One of several instances that share the work and a database. */
@Service(Booking, { uses: [orders, booked] })
export class BookingService extends TeraService {
  @OnPayload(from(orders, { deduplicate: true, concurrency: 8, ackWaitMs: 1_000, start: 'all' }))
  async onOrder(what: string, context: EventContext) {
    const query = (stage.inbox as SqlInbox).query(context);
    stage.at('in the handler');
    await query('insert into effects values ($1)', [what]);
    await context.publish(booked, what);
  }
}
