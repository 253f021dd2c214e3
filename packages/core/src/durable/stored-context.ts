import type { Arrival, HandlerPlace } from '../routing/context.js';
import { Context } from '../routing/context.js';
import { derivedId, type IdRoot } from './derived-id.js';

/** Where a message is stored, and how often it was tried. */
export interface DurablePlace {
  /** The name of the stream: the template of the topic. */
  readonly stream: string;
  /** The message's number in it. */
  readonly sequence: number;
  /** The content's place in its envelope, from 0. */
  readonly index: number;
  /** Which try this is, from 1. One that was cut short by the end of its process does not count. */
  readonly attempt: number;
  /** When it was stored, in milliseconds since the Unix epoch, by the server's clock. */
  readonly storedAt: number;
  /** Whether it was a dead letter, and somebody had it tried again. */
  readonly replayed: boolean;
}

/** What the context of a stored message is made of, when somebody asks. */
export interface StoredContent {
  placeAt(attempt: number): DurablePlace;
  /** What the ids of published messages are derived from: few handlers publish. */
  readonly idRoot: IdRoot;
}

/** The context of a stored message: what its handler publishes has derived ids, and is waited for. */
export class StoredContext extends Context {
  readonly #content: StoredContent;
  readonly #attempt: number;
  #durable: DurablePlace | undefined;
  #published = 0;
  #pending: Set<Promise<unknown>> | undefined;

  constructor(place: HandlerPlace, arrival: Arrival, deadline: number, content: StoredContent, attempt: number) {
    super(place, arrival, deadline);
    this.#content = content;
    this.#attempt = attempt;
  }

  override get durable(): DurablePlace {
    this.#durable ??= this.#content.placeAt(this.#attempt);
    return this.#durable;
  }

  nextMessageId(): string {
    this.#published += 1;
    return derivedId(this.#content.idRoot, this.#published);
  }

  started(promise: Promise<unknown>): void {
    this.#pending ??= new Set();
    const pending = this.#pending;
    pending.add(promise);
    // One that fails while the handler runs is the handler's to judge; what fails behind it, `published` throws.
    promise.then(
      () => pending.delete(promise),
      () => pending.delete(promise),
    );
  }

  /** Waits for what was started and has not ended. Undefined where there is nothing to wait for. */
  published(): Promise<void> | undefined {
    return this.#pending === undefined || this.#pending.size === 0 ? undefined : allOf(this.#pending);
  }
}

/** Also of what is added meanwhile. */
async function allOf(pending: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (pending.size > 0) await Promise.all(pending);
}
