import type { BusError } from '@terabus/messages';
import type { Arrival, Context, HandlerPlace } from '../routing/context.js';
import type { MessageJob } from '../routing/message-job.js';
import type { Fate } from '../routing/stored-work.js';
import type { Timer } from '../transport/clock.js';
import type { Content } from './content.js';
import { tellGivenUp } from './given-up.js';
import { deadLetterOf, hasRoom, type Progress, retryOf } from './letters.js';
import { Once } from './once.js';
import { retryDelayMs } from './retry-delay.js';
import type { StoredContext } from './stored-context.js';

/** How one content ended: handled or stored elsewhere, or to be handed out again. */
export type ContentEnd = 'done' | 'given-back';

/** Who answers for the message that a content came in. */
export interface ContentOwner {
  /** The handler's part in a content is over. Called once for each. */
  contentRan(): void;
  contentEnded(end: ContentEnd, index: number): void;
}

/** Where a content is on its way. What failed may have its slot still: a handler that ran out of time goes on. */
type State =
  /** It waits for its turn, or its handler has it. */
  | { readonly kind: 'at-work' }
  /** Its handler failed, and what follows from that is on its way to a stream. */
  | { readonly kind: 'storing'; readonly keepsKey: boolean; readonly hasSlot: boolean }
  /** It will be tried again in its place, so much later than it has given back its slot. */
  | { readonly kind: 'leaving-slot'; readonly keepsKey: boolean; readonly waitMs: number }
  | { readonly kind: 'waiting'; readonly keepsKey: boolean; readonly timer: Timer }
  | { readonly kind: 'over' };

const AT_WORK: State = { kind: 'at-work' };
const OVER: State = { kind: 'over' };

/** One content of a stored message, on its way to being handled, tried again or given up. */
export class ContentFate implements Fate {
  readonly #content: Content;
  readonly #once: Once | undefined;
  readonly #owner: ContentOwner;
  #hasRun = false;
  #tries: number;
  #firstFailed: number | undefined;
  #job: MessageJob | undefined;
  #state: State = AT_WORK;

  constructor(content: Content, tries: number, firstFailed: number | undefined, owner: ContentOwner) {
    const { inbox, depot } = content.parts;
    this.#content = content;
    this.#once = inbox && new Once(inbox, depot);
    this.#tries = tries;
    this.#firstFailed = firstFailed;
    this.#owner = owner;
  }

  get keepsKey(): boolean {
    const state = this.#state;
    return state !== AT_WORK && state !== OVER && 'keepsKey' in state && state.keepsKey;
  }

  queued(job: MessageJob): void {
    this.#job = job;
  }

  behind(): void {
    this.#ran();
  }

  context(place: HandlerPlace, arrival: Arrival, deadline: number): StoredContext {
    return this.#content.context(place, arrival, deadline, this.#tries + 1);
  }

  run(context: Context, handle: () => unknown): unknown {
    if (this.#once === undefined) return handled(context as StoredContext, handle);
    const work = this.#content.inboxWork(context);
    return this.#once
      .run(work, () => handled(context as StoredContext, handle))
      .then((called) => {
        if (called) return;
        const { parts, told } = this.#content;
        parts.emit({ kind: 'deduplicated', ...told, messageId: work.messageId });
      });
  }

  succeeded(): void {
    this.#end('done');
  }

  failed(error: BusError): void {
    if (this.#state.kind === 'over') return;
    const { definition, clock, depot } = this.#content.parts;
    const askAgainMs = this.#once?.waitMs(error);
    if (askAgainMs !== undefined) {
      if (depot.givenUp) this.#end('given-back');
      else this.#tryHere(askAgainMs, true, true);
    } else {
      this.#tries += 1;
      this.#firstFailed ??= clock.now();
      if (this.#tries < definition.durable.tries) void this.#tryAgain(error);
      else void this.#giveUp(error);
    }
    this.#ran();
  }

  abandoned(): void {
    this.#once?.abandoned();
  }

  givenBack(): void {
    this.#end('given-back');
  }

  released(): void {
    const state = this.#state;
    if (state.kind === 'storing') this.#state = { ...state, hasSlot: false };
    else if (state.kind === 'leaving-slot') this.#tryHere(state.waitMs, state.keepsKey, false);
  }

  /** The drain begins: one that waits for its next try in its place does so no more. */
  giveBackWaiting(): void {
    if (this.#state.kind === 'waiting' || this.#state.kind === 'leaving-slot') this.#end('given-back');
  }

  async #tryAgain(error: BusError): Promise<void> {
    const { parts, letter, told } = this.#content;
    const { emit, clock, definition, depot, transport } = parts;
    const delayMs = retryDelayMs(this.#tries, definition.durable.retryAfterMs);
    const retry = retryOf(parts, letter, this.#progress, clock.now() + delayMs, 'retry');
    // One of the largest size has no room for what is added.
    const keepsKey = this.#isOrdered || !hasRoom(retry, transport.maxPayloadBytes);
    const failedAt = clock.elapsed();
    this.#state = { kind: 'storing', keepsKey, hasSlot: true };
    const isStored = !keepsKey && (await depot.storeRetry(retry, this));
    if (!isStored && depot.givenUp) {
      this.#end('given-back');
      return;
    }
    emit({ kind: 'retried', ...told, tries: this.#tries, delayMs, inPlace: !isStored, error });
    if (isStored) this.#end('done');
    else this.#tryHere(Math.max(0, delayMs - (clock.elapsed() - failedAt)), keepsKey, this.#state.hasSlot);
  }

  async #giveUp(error: BusError): Promise<void> {
    this.#state = { kind: 'storing', keepsKey: this.#isOrdered, hasSlot: true };
    const { parts, letter, handler, type } = this.#content;
    parts.depot.forget(this);
    const message = deadLetterOf(parts, letter, this.#progress, error, handler, type, parts.clock.now());
    const stored = await parts.depot.store(message);
    if (stored) tellGivenUp(parts, letter, { handler, type, tries: this.#tries }, error);
    this.#end(stored ? 'done' : 'given-back');
  }

  /** The slot and the key of a handler that ran out of time are its own until it has ended. */
  #tryHere(waitMs: number, keepsKey: boolean, hasSlot: boolean): void {
    if (hasSlot) {
      this.#state = { kind: 'leaving-slot', keepsKey, waitMs };
      return;
    }
    const timer = this.#content.parts.clock.setTimer(waitMs, () => {
      this.#state = AT_WORK;
      this.#job?.again(keepsKey);
    });
    this.#state = { kind: 'waiting', keepsKey, timer };
  }

  #end(end: ContentEnd): void {
    const state = this.#state;
    if (state.kind === 'over') return;
    this.#state = OVER;
    if (state.kind === 'waiting') state.timer.cancel();
    // With its slot it gives back its key.
    const hasSlot = state.kind !== 'waiting' && !(state.kind === 'storing' && !state.hasSlot);
    if (!hasSlot && state.keepsKey) this.#job?.letGo();
    this.#content.parts.depot.forget(this);
    this.#ran();
    this.#owner.contentEnded(end, this.#content.index);
  }

  #ran(): void {
    if (this.#hasRun) return;
    this.#hasRun = true;
    this.#owner.contentRan();
  }

  /** Whether those of its key wait behind it, whatever becomes of it. */
  get #isOrdered(): boolean {
    return this.#content.parts.options.order === 'per-key';
  }

  get #progress(): Progress {
    return { index: this.#content.index, tries: this.#tries, firstFailed: this.#firstFailed };
  }
}

/** Ends when the handler has, and what it published is stored. A plain value where there is nothing to wait for. */
function handled(context: StoredContext, handle: () => unknown): unknown {
  const result = handle();
  const isThenable =
    (typeof result === 'object' || typeof result === 'function') && result !== null && 'then' in result;
  return isThenable ? Promise.resolve(result).then(() => context.published()) : context.published();
}
