import type { Subscription } from '@terabus/core';
import { Bus, Logger } from '@terabus/core';
import { inject, injectable } from 'inversify';
import { signalling } from '../contracts/topics.js';

/** The rooms of running sessions: in each, a signalling process says when it is ready. */
@injectable()
export class Rooms {
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(
    @inject(Bus) private readonly bus: Bus,
    @inject(Logger) private readonly logger: Logger,
  ) {}

  /** Resolves when the room is listened to. */
  async open(key: string, onReady: () => unknown): Promise<void> {
    const subscription = await this.bus.subscribe(signalling({ key }), (text) =>
      text === 'Ready!' ? onReady() : undefined,
    );
    this.#subscriptions.set(key, subscription);
  }

  /** Nobody waits for it: a `Ready!` that waits for its turn would wait for us, and we for it. */
  close(key: string): void {
    this.#subscriptions
      .get(key)
      ?.stop()
      .catch((error: unknown) => this.logger.warn({ err: error, key }, 'a room could not be closed'));
    this.#subscriptions.delete(key);
  }
}
