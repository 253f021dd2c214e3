import type { Transport } from '@terabus/core/transport';
import type { Features } from './features.js';

/** The way to one message bus of a test's own. */
export interface Bus {
  /** A new connection. The suite closes it. */
  connect(): Promise<Transport>;
  /** Forgets the bus, after all its connections were closed. */
  close(): Promise<void>;
}

/** What the files of cases get. */
export interface Suite {
  /** A connection to the bus of this case, closed after it. */
  readonly connect: () => Promise<Transport>;
  /** An `it` for cases that need a feature: not run where it is not promised. */
  readonly given: (feature: keyof Features) => (title: string, story: () => Promise<void>) => void;
}
