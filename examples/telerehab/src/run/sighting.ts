import type { JsonValue } from '@terabus/messages';

/** Something crossed the bus, as seen where it left. Plain JSON: it may come from another process. */
export interface Crossing {
  readonly kind: 'crossing';
  /** When it left, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly how: 'event' | 'message' | 'text' | 'call';
  /** The address of the service that it comes from. */
  readonly from: string;
  readonly topic: string;
  /** The short name of a message's type, the name of a method, or `text`. */
  readonly type: string;
  /** The message; of a call, its arguments. */
  readonly content: JsonValue;
  /** What a call gave. */
  readonly result?: JsonValue;
  /** How long a call took. */
  readonly tookMs?: number;
  /** Why it failed. */
  readonly error?: string;
}

/** A handler ran. */
export interface Handling {
  readonly kind: 'handling';
  /** The address of the service. */
  readonly service: string;
  readonly type: string;
  readonly error?: string;
}

/** The logger kept a line. */
export interface LogLine {
  readonly kind: 'log-line';
  readonly at: number;
  readonly text: string;
}

/** What is seen of a running system. */
export type Sighting = Crossing | Handling | LogLine;
export type Report = (sighting: Sighting) => void;
