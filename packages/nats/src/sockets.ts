import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Where Node says that it has made a socket for a connection that goes out, before it connects. */
const CHANNEL = 'net.client.socket';

/** What Node knows of a socket and tells nobody: a write that is half done is no progress on its public side. */
interface Inside {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
}

/** What was written to a link. */
export interface Outgoing {
  /** What this process still holds, since the system takes no more. */
  readonly unsentBytes: number;
  /** What the system has taken so far. */
  readonly takenBytes: number;
}

/**
 * The sockets that a dial opens, whoever opens them. The client gives up a dial to a server that says nothing, and
 * forgets its socket, which would stay open as long as the server likes; and it waits for what is still to be written
 * before it closes one. Whoever holds the sockets ends both.
 */
export class Sockets {
  readonly #sockets = new Set<Socket>();
  #destroyed = false;

  get outgoing(): Outgoing {
    let [unsentBytes, takenBytes] = [0, 0];
    for (const { _handle } of this.#sockets as ReadonlySet<Inside>) {
      const queued = _handle?.writeQueueSize ?? 0;
      unsentBytes += queued;
      takenBytes += (_handle?.bytesWritten ?? 0) - queued;
    }
    return { unsentBytes, takenBytes };
  }

  /** Runs `dial` and remembers every socket that is made on its way, until its promise settles. */
  async during<T>(dial: () => Promise<T>): Promise<T> {
    const inside = new AsyncLocalStorage<true>();
    const take = (message: unknown) => {
      if (inside.getStore()) this.#take((message as { socket: Socket }).socket);
    };
    subscribe(CHANNEL, take);
    try {
      return await inside.run(true, dial);
    } finally {
      unsubscribe(CHANNEL, take);
      // What the dial left running must not carry a mark for ever.
      inside.disable();
    }
  }

  /** Ends them all at once, with what they have not written yet, and each that is still made. */
  destroy(): void {
    this.#destroyed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#destroyed) socket.destroy();
  }
}
