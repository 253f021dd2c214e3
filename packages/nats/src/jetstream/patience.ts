import { BusError } from '@terabus/core/transport';
import type { JetStream } from './jetstream.js';

/** How long a cluster that starts or elects is waited for: it gives no answers for 5 to 13 s. */
const PATIENCE_MS = 15_000;

/** How long JetStream is waited for that nobody answers for: it may be off. */
const OFF_MS = 3_000;
const AGAIN_MS = 250;

/** Tries again what nobody answered, until somebody does, `over` says that it is in vain, or it took too long. */
export async function patiently<T>(
  { clock }: JetStream,
  work: () => Promise<T>,
  over: () => boolean = () => false,
): Promise<T> {
  const startedAt = clock.elapsed();
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const error = BusError.from(thrown);
      const patienceMs = /not enabled|not switched on/.test(error.rawMessage) ? OFF_MS : PATIENCE_MS;
      if (over() || error.code !== 'UNAVAILABLE' || clock.elapsed() - startedAt >= patienceMs) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.setTimer(AGAIN_MS, resolve);
    });
  }
}
