import { BusError } from '@terabus/messages';
import { deferred } from '../service/deferred.js';
import type { Reader } from './reader.js';

const LOOK_EVERY_MS = 500;

/**
 * Resolves when all that is stored for a group at this moment has been handled, or put aside to be tried again, by
 * whichever instance: what is published meanwhile is not waited for.
 *
 * @throws BusError `TERABUS_DRAINING` when the host drains before, and what the transport rejects with
 */
export async function catchUp(reader: Reader, signal: AbortSignal): Promise<void> {
  const { transport, clock } = reader.parts;
  const [stream, consumer] = reader.place;
  const { lastSequence } = await transport.streams.streamState(stream);
  let changed = deferred<void>();
  const change = () => changed.resolve();
  const unwatch = reader.unsettled.onSettled(change);
  signal.addEventListener('abort', change);
  try {
    for (;;) {
      changed = deferred();
      const { pending, unsettled, settledUpTo } = await transport.streams.consumerState(stream, consumer);
      if (settledUpTo >= lastSequence || pending + unsettled === 0) return;
      if (signal.aborted) {
        throw new BusError(`${consumer} has not caught up: its service drains`, { reason: 'TERABUS_DRAINING' });
      }
      // Other instances settle without a word.
      const timer = clock.setTimer(LOOK_EVERY_MS, change);
      await changed.promise;
      timer.cancel();
    }
  } finally {
    unwatch();
    signal.removeEventListener('abort', change);
  }
}
