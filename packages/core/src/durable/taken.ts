import { BusError } from '@terabus/messages';
import type { Fate, StoredWork } from '../routing/stored-work.js';
import type { Verdict } from '../sequencing/verdict.js';
import { type Deferred, deferred } from '../service/deferred.js';
import type { StreamDelivery } from '../transport/streams.js';
import { Content } from './content.js';
import { type ContentEnd, ContentFate, type ContentOwner } from './content-fate.js';
import { tellGivenUp } from './given-up.js';
import type { GroupParts } from './group-parts.js';
import { deadLetterOf, type Letter, retryOf } from './letters.js';
import { parseVerdict } from './verdict-header.js';

/** What a delivery says of itself beside its letter. */
export interface TakenState {
  readonly letter: Letter;
  /** How often its content was tried, and since when in vain. */
  readonly tries: number;
  readonly firstFailed: number | undefined;
  /** What its number said when it was seen last; undefined where it was not seen. */
  readonly verdict: Verdict | undefined;
}

/** Who has taken it, and is told when it is settled. */
export interface Taker {
  /** Called once. */
  settled(taken: Taken, how: 'acked' | 'given-back'): void;
}

/** A delivery of a stream that this instance answers for, until it is settled. */
export class Taken implements StoredWork, ContentOwner {
  /** Whether it is tried again. */
  readonly isRetry: boolean;
  /** Where it lies among those that are unsettled. */
  place = -1;
  /** Whether nothing else may run beside it. */
  alone = false;
  verdict: Verdict | undefined;
  readonly #parts: GroupParts;
  readonly #state: TakenState;
  #letter: Letter;
  /** Whether the letter lacks what its number says. */
  #lacksVerdict = false;
  #delivery: StreamDelivery;
  readonly #taker: Taker;
  readonly #fates: ContentFate[] = [];
  /** What has not ended; the opening of the envelope counts as one. */
  #left = 1;
  /** Handlers that have not had their turn, and the opening. */
  #toRun = 1;
  #named = 0;
  /** Contents that must not be met again: done, or given up. */
  #done = 0;
  readonly #givenBack: number[] = [];
  #hasRun = false;
  /** Of the few that somebody waits for. */
  #whenRan: Deferred<void> | undefined;

  constructor(parts: GroupParts, state: TakenState, delivery: StreamDelivery, isRetry: boolean, taker: Taker) {
    this.#parts = parts;
    this.#state = state;
    this.#delivery = delivery;
    this.isRetry = isRetry;
    this.#taker = taker;
    this.#letter = state.letter;
    this.verdict = state.verdict ?? parseVerdict(state.letter.verdict);
  }

  /** What goes on to a stream, where that becomes of it. */
  get letter(): Letter {
    if (this.#lacksVerdict && this.verdict !== undefined) {
      this.#lacksVerdict = false;
      this.#letter = { ...this.#letter, verdict: `${this.verdict.kind} ${this.verdict.missing}` };
    }
    return this.#letter;
  }

  get only(): number | undefined {
    return this.#letter.origin.index;
  }

  get delivery(): StreamDelivery {
    return this.#delivery;
  }

  /** Resolves when all its handlers have had their turn. */
  get ran(): Promise<void> {
    if (this.#hasRun) return Promise.resolve();
    this.#whenRan ??= deferred<void>();
    return this.#whenRan.promise;
  }

  /** It was handed out again, since the link was lost: what is settled is the later one. */
  renew(delivery: StreamDelivery): void {
    this.#delivery.superseded();
    this.#delivery = delivery;
  }

  /** Gives its contents to their handlers. */
  open(): void {
    const { topic, bytes, headers } = this.#letter;
    this.#parts.router.takeStored({ topic, bytes, headers, headersBytes: this.#delivery.headersBytes }, this);
    if (this.#named === 0 && this.only !== undefined) {
      const error = new BusError(`the message has no content ${this.only}`, { reason: 'TERABUS_MESSAGE_MISPLACED' });
      this.bad(this.only, error, undefined, undefined);
    }
    this.#oneRan();
    this.#oneEnded();
  }

  /** Nothing of it has begun: it is handed out again. */
  giveBackWhole(): void {
    this.#finish(false);
  }

  /** What waits for its next try in its place is handed out again. */
  giveBackWaiting(): void {
    for (const fate of this.#fates) fate.giveBackWaiting();
  }

  /** It can't be opened, or is not to be: it is stored as it is, and done with. */
  deadLetter(error: BusError): void {
    this.bad(undefined, error, undefined, undefined);
    this.#oneRan();
    this.#oneEnded();
  }

  opened(verdict: Verdict | undefined): void {
    this.verdict = verdict;
    this.#lacksVerdict = verdict !== undefined && this.#letter.verdict === undefined;
  }

  content(index: number, handler: string, type: string): Fate {
    this.#begin();
    this.#toRun += 1;
    const { tries, firstFailed } = this.#state;
    const fate = new ContentFate(new Content(this.#parts, this, index, handler, type), tries, firstFailed, this);
    this.#fates.push(fate);
    return fate;
  }

  contentRan(): void {
    this.#oneRan();
  }

  contentEnded(end: ContentEnd, index: number): void {
    if (end === 'done') this.#done += 1;
    else this.#givenBack.push(index);
    this.#oneEnded();
  }

  unhandled(_index: number): void {
    this.#named += 1;
  }

  bad(index: number | undefined, error: BusError, handler: string | undefined, type: string | undefined): void {
    this.#begin();
    void this.#giveUp(index, error, handler, type);
  }

  async #giveUp(
    index: number | undefined,
    error: BusError,
    handler: string | undefined,
    type: string | undefined,
  ): Promise<void> {
    const { clock, depot } = this.#parts;
    const { letter } = this;
    const { tries, firstFailed } = this.#state;
    const at = index ?? letter.origin.index;
    const progress = { index: at, tries, firstFailed };
    const stored = await depot.store(deadLetterOf(this.#parts, letter, progress, error, handler, type, clock.now()));
    if (stored) tellGivenUp(this.#parts, letter, { handler, type, tries }, error);
    this.contentEnded(stored ? 'done' : 'given-back', at ?? -1);
  }

  #begin(): void {
    this.#named += 1;
    this.#left += 1;
  }

  #oneRan(): void {
    this.#toRun -= 1;
    if (this.#toRun === 0) this.#allRan();
  }

  #allRan(): void {
    this.#hasRun = true;
    this.#whenRan?.resolve();
  }

  #oneEnded(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    if (this.#givenBack.length === 0) this.#finish(true);
    // Where order counts, what is left must not overtake: its siblings are met again.
    else if (this.#done === 0 || this.#parts.options.order !== undefined || this.#givenBack.includes(-1)) {
      this.#finish(false);
    } else void this.#leaveRest();
  }

  /** Some contents are done with and must not be met again: the others go on alone. */
  async #leaveRest(): Promise<void> {
    const { depot, clock } = this.#parts;
    const { tries, firstFailed } = this.#state;
    const stored = await Promise.all(
      this.#givenBack
        .toSorted((one, other) => one - other)
        .map((index) =>
          depot.store(retryOf(this.#parts, this.letter, { index, tries, firstFailed }, clock.now(), 'back')),
        ),
    );
    this.#finish(stored.every((each) => each));
  }

  #finish(done: boolean): void {
    if (done) this.#delivery.ack();
    else this.#delivery.later(0);
    this.#allRan();
    this.#taker.settled(this, done ? 'acked' : 'given-back');
  }
}
