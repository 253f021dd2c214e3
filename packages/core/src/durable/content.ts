import { HEADER } from '../publishing/headers.js';
import type { Arrival, Context, HandlerContext, HandlerPlace } from '../routing/context.js';
import { type IdRoot, timeOf } from './derived-id.js';
import type { GroupParts } from './group-parts.js';
import type { InboxWork } from './inbox.js';
import type { Letter } from './letters.js';
import { formatOrigin } from './origin.js';
import type { DurablePlace, StoredContent } from './stored-context.js';
import { StoredContext } from './stored-context.js';

/** One content of a stored message, for one handler: what it is, whatever becomes of it. */
export class Content implements StoredContent {
  readonly parts: GroupParts;
  readonly index: number;
  readonly handler: string;
  readonly type: string;
  readonly #message: { readonly letter: Letter };

  constructor(parts: GroupParts, message: { readonly letter: Letter }, index: number, handler: string, type: string) {
    this.parts = parts;
    this.#message = message;
    this.index = index;
    this.handler = handler;
    this.type = type;
  }

  get letter(): Letter {
    return this.#message.letter;
  }

  /** What its handler is given at its n-th try, from 1. */
  context(place: HandlerPlace, arrival: Arrival, deadline: number, attempt: number): StoredContext {
    return new StoredContext(place, arrival, deadline, this, attempt);
  }

  placeAt(attempt: number): DurablePlace {
    const { origin, storedAt, replay } = this.letter;
    const { stream, sequence } = origin;
    return Object.freeze({ stream, sequence, index: this.index, attempt, storedAt, replayed: replay !== undefined });
  }

  /** What an inbox knows it by. */
  inboxWork(context: Context): InboxWork {
    return {
      handler: this.#work,
      // With the time: a stream that was made anew numbers from 1 again.
      messageId: this.#idOf(context.messageId ?? `${this.#origin}@${this.letter.storedAt}`),
      context: context as unknown as HandlerContext,
    };
  }

  /** What observers are told of it. */
  get told(): { readonly service: string; readonly topic: string; readonly handler: string; readonly type: string } {
    const { parts, letter, handler, type } = this;
    return { service: parts.address, topic: letter.topic, handler, type };
  }

  get idRoot(): IdRoot {
    const { headers, storedAt } = this.letter;
    const messageId = this.parts.inbox === undefined ? undefined : headers.get(HEADER.messageId);
    return messageId === undefined
      ? { id: `${this.#origin} ${this.#work}`, time: storedAt }
      : { id: `${this.#idOf(messageId)} ${this.#work}`, time: timeOf(messageId) };
  }

  #idOf(messageId: string): string {
    return `${messageId}/${this.index}`;
  }

  get #origin(): string {
    return formatOrigin({ ...this.letter.origin, index: this.index });
  }

  /** Which work it is: it outlives renamed methods. */
  get #work(): string {
    return `${this.parts.address} ${this.parts.pattern} ${this.type}`;
  }
}
