// Takes orders: stores each with its message in one transaction, and sends what is stored. May end itself at a point.
import { setTimeout as pause } from 'node:timers/promises';
import { openBus } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { type Database, type RelayOptions, SqlOutbox } from '@terabus/sql';
import { serve } from '../run/child-process.js';
import { databaseAt } from './database.js';
import { type Doom, doomed, orders, type PublisherPoint } from './service.js';

/** Every so many are rolled back. */
const GHOST_EVERY = 10;
const HELD_MS = 20;

let stopping = false;
let held = false;
let taking: Promise<void>;

const methods = {
  /** Takes orders until `stop`: `<prefix>-1`, `<prefix>-2`, … */
  async start(options: {
    url: string;
    port: number;
    prefix: string;
    everyMs: number;
    doom: Doom<PublisherPoint> | undefined;
  }) {
    const at = doomed(options.doom);
    const database = databaseAt(options.port);
    const outbox = new SqlOutbox(atDelete(database, at), { topics: [orders] });
    const transport = await connectNats({ servers: options.url, name: 'publisher' });
    const bus = openBus({ transport, source: 'service.Soak.Orders' });
    const publish = async (...message: Parameters<RelayOptions['bus']['publish']>) => {
      at('before the publish');
      const receipt = await bus.publish(...message);
      at('before the delete');
      return receipt;
    };
    const relay = outbox.relay({ bus: { ...bus, publish } as RelayOptions['bus'], leaseMs: 1_000, pollMs: 100 });
    taking = (async () => {
      for (let n = 1; !stopping; n++) {
        if (n % GHOST_EVERY === 0) await ghost(outbox, `ghost-${options.prefix}-${n}`);
        await outbox.transaction(async (query) => {
          await query('insert into orders values ($1)', [`${options.prefix}-${n}`]);
          await outbox.publish(query, orders, `${options.prefix}-${n}`);
          at('before the commit');
        });
        await pause(options.everyMs);
        while (held && !stopping) await pause(HELD_MS);
      }
      while ((await outbox.state()).waiting > 0) await pause(20);
      await relay.stop();
    })();
  },
  /** Whether it takes no orders for the moment. */
  hold(on: boolean) {
    held = on;
  },
  /** Resolves when all that was taken is sent. */
  async stop() {
    stopping = true;
    await taking;
  },
};
export type PublisherMethods = typeof methods;

/** What was never committed was never ordered. */
async function ghost(outbox: SqlOutbox, what: string): Promise<void> {
  await outbox
    .transaction(async (query) => {
      await outbox.publish(query, orders, what);
      throw new Error('rolled back');
    })
    .catch(() => undefined);
}

/** Watches the transactions that remove what was sent. */
const atDelete = (database: Database, at: (reached: PublisherPoint) => void): Database => ({
  async transaction(work) {
    let deleted = false;
    const result = await database.transaction((query) =>
      work((text, parameters) => {
        deleted ||= text.startsWith('delete from "public"."terabus_outbox" ');
        return query(text, parameters);
      }),
    );
    if (deleted) at('after the delete');
    return result;
  },
});

serve(methods);
