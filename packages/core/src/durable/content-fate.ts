import type { BusError } from '@terabus/messages';
import { HEADER } from '../publishing/headers.js';
import type { Arrival, Context, HandlerContext, HandlerPlace } from '../routing/context.js';
import type { MessageJob } from '../routing/message-job.js';
import type { Fate } from '../routing/stored-work.js';
import type { Timer } from '../transport/clock.js';
import { type IdRoot, timeOf } from './derived-id.js';
import { tellGivenUp } from './given-up.js';

import type { GroupParts } from './group-parts.js';
import { KeyValueInbox } from './key-value-inbox.js';
import { deadLetterOf, hasRoom, type Letter, type Progress, retryOf } from './letters.js';
import { formatOrigin } from './origin.js';
import { retryDelayMs } from './retry-delay.js';
import { StoredContext } from './stored-context.js';

const FIRST_MARK_WAIT_MS = 500;
const LONGEST_MARK_WAIT_MS = 10_000;

/** How one content ended: handled or stored elsewhere, or to be handed out again. */
export type ContentEnd = 'done' | 'given-back';

/** One content of a stored message, on its way to being handled, tried again or given up. */
export class ContentFate implements Fate {
  keepsKey = false;
  readonly #parts: GroupParts;
  readonly #letter: Letter;
  readonly #index: number;
  readonly #handler: string;
  readonly #type: string;
  /** The handler's part is over, this time. */
  readonly #ran: () => void;
  readonly #ended: (end: ContentEnd, index: number) => void;
  #tries: number;
  #firstFailed: number | undefined;
  #job: MessageJob | undefined;
  /** Whether its slot is another's again. */
  #released = false;
  /** Whether the bucket of marks is asked, and not the handler: what fails then is no try of it. */
  #marking = false;
  /** How often that failed in a row. */
  #unanswered = 0;
  /** Until it is tried again in its place. */
  #waitMs: number | undefined;
  #timer: Timer | undefined;
  #over = false;

  constructor(
    parts: GroupParts,
    letter: Letter,
    progress: Progress & { readonly index: number },
    { handler, type }: { readonly handler: string; readonly type: string },
    told: { readonly ran: () => void; readonly ended: (end: ContentEnd, index: number) => void },
  ) {
    this.#parts = parts;
    this.#letter = letter;
    this.#index = progress.index;
    this.#tries = progress.tries;
    this.#firstFailed = progress.firstFailed;
    this.#handler = handler;
    this.#type = type;
    this.#ran = told.ran;
    this.#ended = told.ended;
  }

  get progress(): Progress {
    return { index: this.#index, tries: this.#tries, firstFailed: this.#firstFailed };
  }

  queued(job: MessageJob): void {
    this.#job = job;
  }

  context(place: HandlerPlace, arrival: Arrival, deadline: number): StoredContext {
    const { origin, storedAt, replay } = this.#letter;
    const { stream, sequence } = origin;
    const attempt = this.#tries + 1;
    const durable = { stream, sequence, index: this.#index, attempt, storedAt, replayed: replay !== undefined };
    return new StoredContext(place, arrival, deadline, Object.freeze(durable), () => this.#idRoot());
  }

  run(context: Context, handle: () => unknown): unknown {
    const { inbox, emit, address, depot } = this.#parts;
    if (inbox === undefined) return handled(context as StoredContext, handle);
    const messageId = this.#idOf(context.messageId ?? this.#origin);
    const work = { handler: this.#work, messageId, context: context as unknown as HandlerContext };
    // Another inbox may refuse to commit what a handler did: that is its failure, and it has to end.
    const marks = inbox instanceof KeyValueInbox;
    this.#marking = marks;
    return inbox
      .once(work, async () => {
        this.#marking = false;
        await handled(context as StoredContext, handle);
        this.#marking = marks;
      })
      .then((called) => {
        if (marks) depot.marked();
        if (called) return;
        const { topic } = this.#letter;
        emit({ kind: 'deduplicated', service: address, topic, handler: this.#handler, type: this.#type, messageId });
      });
  }

  succeeded(): void {
    this.#end('done');
  }

  failed(error: BusError): void {
    if (this.#over) return;
    const { definition, options, clock, depot } = this.#parts;
    if (this.#marking) {
      this.#unanswered += 1;
      depot.notMarked(error);
      this.#waitHere(Math.min(LONGEST_MARK_WAIT_MS, retryDelayMs(this.#unanswered, FIRST_MARK_WAIT_MS)));
      this.#ran();
      return;
    }
    this.#unanswered = 0;
    this.#tries += 1;
    this.#firstFailed ??= clock.now();
    this.keepsKey = options.order === 'per-key';
    if (this.#tries >= definition.durable.tries) void this.#giveUp(error);
    else void this.#tryAgain(error);
    this.#ran();
  }

  givenBack(): void {
    this.#end('given-back');
  }

  released(): void {
    this.#released = true;
    this.#waitInPlace();
  }

  /** The drain begins: one that waits for its next try in its place does so no more. */
  giveBackWaiting(): void {
    if (this.#timer === undefined && this.#waitMs === undefined) return;
    this.#timer?.cancel();
    this.givenBack();
  }

  async #tryAgain(error: BusError): Promise<void> {
    const { emit, address, clock, definition, depot, transport } = this.#parts;
    const delayMs = retryDelayMs(this.#tries, definition.durable.retryAfterMs);
    const retry = retryOf(this.#parts, this.#letter, this.progress, clock.now() + delayMs, 'retry');
    // One of the largest size has no room for what is added.
    const inPlace = this.keepsKey || !hasRoom(retry, transport.maxPayloadBytes);
    emit({
      kind: 'retried',
      service: address,
      topic: this.#letter.topic,
      handler: this.#handler,
      type: this.#type,
      tries: this.#tries,
      delayMs,
      inPlace,
      error,
    });
    if (inPlace) {
      if (depot.givenUp) this.#end('given-back');
      else this.#waitHere(delayMs);
      return;
    }
    this.#end((await depot.store(retry)) ? 'done' : 'given-back');
  }

  #waitHere(delayMs: number): void {
    this.keepsKey = true;
    this.#waitMs = delayMs;
    if (this.#released) this.#waitInPlace();
  }

  /** The slot and the key of a handler that ran out of time are its own until it has ended. */
  #waitInPlace(): void {
    if (this.#waitMs === undefined || this.#timer !== undefined || this.#over) return;
    this.#timer = this.#parts.clock.setTimer(this.#waitMs, () => {
      this.#timer = undefined;
      this.#waitMs = undefined;
      this.#released = false;
      this.keepsKey = false;
      this.#job?.again();
    });
  }

  async #giveUp(error: BusError): Promise<void> {
    const { clock, depot } = this.#parts;
    const letter = this.#letter;
    const message = deadLetterOf(this.#parts, letter, this.progress, error, this.#handler, this.#type, clock.now());
    const stored = await depot.store(message);
    if (stored) {
      tellGivenUp(this.#parts, letter, { handler: this.#handler, type: this.#type, tries: this.#tries }, error);
    }
    this.#end(stored ? 'done' : 'given-back');
  }

  #end(end: ContentEnd): void {
    if (this.#over) return;
    this.#over = true;
    if (this.keepsKey) {
      this.keepsKey = false;
      if (this.#released) this.#job?.letGo();
    }
    this.#ran();
    this.#ended(end, this.#index);
  }

  #idRoot(): IdRoot {
    const { headers, storedAt } = this.#letter;
    const messageId = this.#parts.inbox === undefined ? undefined : headers.get(HEADER.messageId);
    return messageId === undefined
      ? { id: `${this.#origin} ${this.#work}`, time: storedAt }
      : { id: `${this.#idOf(messageId)} ${this.#work}`, time: timeOf(messageId) };
  }

  #idOf(messageId: string): string {
    return `${messageId}/${this.#index}`;
  }

  get #origin(): string {
    return formatOrigin({ ...this.#letter.origin, index: this.#index });
  }

  /** Which work it is: it outlives renamed methods. */
  get #work(): string {
    return `${this.#parts.address} ${this.#parts.pattern} ${this.#type}`;
  }
}

/** Ends when the handler has, and what it published is stored. A plain value where there is nothing to wait for. */
function handled(context: StoredContext, handle: () => unknown): unknown {
  const result = handle();
  const isThenable =
    (typeof result === 'object' || typeof result === 'function') && result !== null && 'then' in result;
  return isThenable ? Promise.resolve(result).then(() => context.published()) : context.published();
}
