import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { plan, Works } from './service.js';

const FILLER_BYTES = 100_000;

/** The stream of what is given up. */
const stream = plan.streams.find(({ name }) => name === `${Works.address} dead letters`) as (typeof plan.streams)[number];
const filling = (stream.subjects[0] as string).replace('*', 'filling');

const configuration = (deny: string) => `authorization { users = [
  { user: admin, password: admin }
  { user: worker, password: worker, permissions: { publish: { deny: [${deny}] } } }
] }`;

/** A server whose workers may not be able to give anything up. */
export class FailingDeadLetters {
  readonly server: NatsServer;
  readonly admin: Transport;
  #filled = 0;

  private constructor(server: NatsServer, admin: Transport) {
    this.server = server;
    this.admin = admin;
  }

  static async start(): Promise<FailingDeadLetters> {
    const server = await startNatsServer({ jetstream: true, configuration: configuration('') });
    return new FailingDeadLetters(server, await connectNats({ ...ADMIN, servers: server.url }));
  }

  /** Until the server takes no more; what is there stays. */
  async fill(): Promise<void> {
    for (let size = FILLER_BYTES; size >= 1; ) {
      this.#filled += 1;
      const messageId = `filling ${this.#filled}`;
      try {
        const message = { subject: filling, stream: stream.name, bytes: new Uint8Array(size), messageId };
        await this.admin.streams.store(message, 5_000);
      } catch (error) {
        if ((error as { reason?: string }).reason !== 'TERABUS_STREAM_FULL') throw error;
        size = Math.floor(size / 2);
      }
    }
  }

  async empty(): Promise<void> {
    await this.admin.streams.purge(stream.name, { filter: filling });
  }

  forbid(): Promise<void> {
    return this.#configure('"_DEAD.>"');
  }

  allow(): Promise<void> {
    return this.#configure('');
  }

  async stop(): Promise<void> {
    await this.admin.close();
    await this.server.stop();
  }

  /** With a restart: a server of 2.9 that reads users again while it runs has no JetStream for them any more. */
  async #configure(deny: string): Promise<void> {
    await this.server.reload(configuration(deny));
    await this.server.restart();
  }
}

/** Who makes streams, publishes jobs, and looks. */
export const ADMIN = { name: 'admin', user: 'admin', password: 'admin' };
