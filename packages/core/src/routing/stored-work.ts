import type { BusError } from '@terabus/messages';
import type { Verdict } from '../sequencing/verdict.js';
import type { Arrival, Context, HandlerPlace } from './context.js';
import type { MessageJob } from './message-job.js';

/** A message out of a stream, as routing sees whoever answers for it: nothing of it may be dropped. */
export interface StoredWork {
  /** Which of its contents is meant; undefined for all. */
  readonly only: number | undefined;
  /** What its number said when it came first; undefined when that is now. */
  readonly verdict: Verdict | undefined;
  /** Whether it is to run while nothing else does. */
  readonly alone: boolean;
  /** The envelope is open, and its number was looked at. */
  opened(verdict: Verdict | undefined): void;
  /** A content that a handler is given. */
  content(index: number, handler: string, type: string): Fate;
  /** Nobody here handles a content of this type. */
  unhandled(index: number): void;
  /** Nobody can make anything of the message, or of one of its contents. */
  bad(index: number | undefined, error: BusError, handler: string | undefined, type: string | undefined): void;
}

/** What becomes of one content of a stored message. */
export interface Fate {
  /** Its key stays taken when its run has ended: it will be tried again in its place. */
  readonly keepsKey: boolean;
  /** Told once, before any of the others. */
  queued(job: MessageJob): void;
  /** It was to run alone, and has to wait for others of its key first. */
  behind(): void;
  context(place: HandlerPlace, arrival: Arrival, deadline: number): Context;
  /** Calls the handler, and ends when what it published is stored. */
  run(context: Context, handle: () => unknown): unknown;
  succeeded(): void;
  failed(error: BusError): void;
  /** Its handler ran out of time and has still not ended: nobody waits for it any more. */
  abandoned(): void;
  /** It was taken out of its queue, or its handler was cut off. */
  givenBack(): void;
  /** Its job gave back its slot, and its key unless it keeps that. */
  released(): void;
}
