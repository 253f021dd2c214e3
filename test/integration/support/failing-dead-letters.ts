import type { StorePlan, Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';

const configuration = (deny: string) => `authorization { users = [
  { user: admin, password: admin }
  { user: worker, password: worker, permissions: { publish: { deny: [${deny}] } } }
] }`;

/** A server whose workers may not be able to give anything up. */
export class FailingDeadLetters {
  readonly server: NatsServer;
  readonly admin: Transport;
  readonly #stream: string;
  readonly #filling: string;
  #filled = 0;

  private constructor(server: NatsServer, admin: Transport, plan: StorePlan) {
    this.server = server;
    this.admin = admin;
    const { name, subjects } = plan.streams.find((stream) =>
      stream.subjects[0]?.startsWith('_DEAD.'),
    ) as StorePlan['streams'][number];
    this.#stream = name;
    this.#filling = (subjects[0] as string).replace('*', 'filling');
  }

  /** With what is planned, of one service. */
  static async start(plan: StorePlan): Promise<FailingDeadLetters> {
    const server = await startNatsServer({ jetstream: true, configuration: configuration('') });
    const options = { ...ADMIN, servers: server.url };
    await provision(plan, options);
    return new FailingDeadLetters(server, await connectNats(options), plan);
  }

  /** Until the server takes no more; what is there stays. */
  async fill(): Promise<void> {
    for (;;) {
      this.#filled += 1;
      const messageId = `filling ${this.#filled}`;
      const message = { subject: this.#filling, stream: this.#stream, bytes: new Uint8Array(1), messageId };
      try {
        await this.admin.streams.store(message, 5_000);
      } catch (error) {
        if ((error as { reason?: string }).reason !== 'TERABUS_STREAM_FULL') throw error;
        return;
      }
    }
  }

  async empty(): Promise<void> {
    await this.admin.streams.purge(this.#stream, { filter: this.#filling });
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

/** Who makes streams, publishes, and looks; and who works. */
const ADMIN = { name: 'admin', user: 'admin', password: 'admin' };
export const WORKER = { name: 'worker', user: 'worker', password: 'worker' };
