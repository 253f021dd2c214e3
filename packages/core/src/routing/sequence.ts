import { BusError } from '@terabus/messages';
import { HEADER } from '../publishing/headers.js';
import { parseAbandoned } from '../sequencing/abandoned.js';
import { hasBegun, readEpoch } from '../sequencing/epoch.js';
import { SequenceTracker } from '../sequencing/tracker.js';
import type { Verdict } from '../sequencing/verdict.js';
import { printable } from '../topics/printable.js';
import type { Inbound } from '../transport/transport.js';
import type { RouterParts } from './router.js';

/** For mailboxes that nobody counts: every message is `untracked`. */
const untracked = new SequenceTracker();

/** Judges the numbers of what comes to one delivery group, and tells of those that are missing. */
export class Sequence {
  readonly #parts: RouterParts;
  #tracker: SequenceTracker | undefined;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.judge(true);
  }

  /**
   * Whether numbers are judged; said again, they are judged anew. While an instance shares what comes with another, each
   * sees a part of the numbers, which says nothing: all is `untracked` then.
   */
  judge(on: boolean): void {
    const { clock, definition } = this.#parts;
    const mayBeNewest = (epoch: string) => hasBegun(epoch, clock.now());
    // Of a stream that keeps the last messages alone, the numbers in between are gone.
    const isJudged = on && definition.tracked && !definition.durable?.lastValue;
    this.#tracker = isJudged ? new SequenceTracker({ mayBeNewest }) : undefined;
  }

  /**
   * Sees each arrival, before queue and handler. What is stored comes again until it is handled: whoever dropped it would
   * lose it. Of all else, what comes twice is dropped: its verdict is `duplicate`.
   */
  arrived(inbound: Inbound, source: string, seq: number, isStored: boolean): { verdict: Verdict; isDropped: boolean } {
    const epoch = readEpoch(inbound.headers.get(HEADER.epoch));
    const verdict = (this.#tracker ?? untracked).observe({
      source,
      epoch,
      destination: inbound.topic,
      seq: this.#tracker === undefined ? 0 : seq,
      abandoned: abandonedOf(inbound),
    });
    const isDropped = verdict.kind === 'duplicate' && epoch !== undefined && !isStored;
    if (verdict.kind !== 'in-order' && verdict.kind !== 'untracked') {
      this.#tell(inbound.topic, source, seq, verdict, isDropped);
    }
    return { verdict, isDropped };
  }

  /** Sees what a sender says of the last number that it gave. */
  beaten(inbound: Inbound, topic: string, source: string, seq: number): void {
    const epoch = readEpoch(inbound.headers.get(HEADER.epoch));
    if (epoch === undefined) return;
    const abandoned = abandonedOf(inbound);
    const verdict = this.#tracker?.observeLast({ source, epoch, destination: topic, seq, abandoned });
    if (verdict?.kind === 'gap') this.#tell(topic, source, seq, verdict, false);
  }

  #tell(topic: string, source: string, seq: number, verdict: Verdict, dropped: boolean): void {
    const { service, reporter, emit } = this.#parts;
    emit({ kind: 'sequence', service, topic, source, verdict, dropped });
    if (verdict.kind !== 'gap') return;
    const error = new BusError(
      `${verdict.missing} message${verdict.missing === 1 ? '' : 's'} from ${printable(source)} to '${topic}' did not arrive`,
      { reason: 'TERABUS_SEQUENCE_GAP' },
    );
    reporter.report(service, error, { topic, source, seq });
  }
}

function abandonedOf({ headers }: Inbound): ReturnType<typeof parseAbandoned> {
  const named = headers.get(HEADER.abandoned);
  return named === undefined ? undefined : parseAbandoned(named);
}
