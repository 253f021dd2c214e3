import type { TransportEvent } from '../transport-health.js';

/** Who wants to know what happens to a connection. */
export class Watchers {
  readonly #watchers = new Set<(event: TransportEvent) => void>();

  add(listener: (event: TransportEvent) => void): () => void {
    // An entry of its own: the same listener may watch twice.
    const watcher = (event: TransportEvent) => listener(event);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(event: TransportEvent): void {
    for (const watcher of [...this.#watchers]) {
      try {
        const result: unknown = watcher(event);
        // The type says void, which an async function fits too: its rejection must not end the process.
        if (result instanceof Promise) result.catch(() => undefined);
      } catch {
        // As the port promises: a log that fails must not end a connection.
      }
    }
  }
}
