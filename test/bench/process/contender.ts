import type { Setting, Workload } from '../cases/case.js';

/** Where a contender works, and at what. */
export interface Place {
  /** Of the nats-server. */
  readonly url: string;
  readonly setting: Setting;
}

/** The publisher's side of a workload: it hands over the envelope, or the call, that begins with event number `n`. */
export interface Sender {
  /**
   * What it returns is awaited where calls are measured: it then resolves when the call is answered, or the event is stored, and
   * rejects where the answer is not the right one.
   */
  hand(n: number): unknown;
  /** Resolves when the server has all that was handed over. */
  flush(): Promise<unknown>;
}

/** One workload, as one contender does it: each side in a process of its own. */
export interface Sides {
  /** Resolves when everything that is published from then on arrives. Gives `take` the number of each event. */
  receive(place: Place, take: (n: number) => void): Promise<unknown>;
  send(place: Place): Promise<Sender>;
  /** Makes what is stored in, before anything else. */
  prepare?(place: Place): Promise<unknown>;
  /** In what its order is promised: see `Tally`. Defaults to none. */
  lanes?(setting: Setting): number;
}

/** Encoding or decoding of one envelope with the event `n`, in process. */
export type Codec = (setting: Setting) => {
  encode(n: number): Uint8Array;
  /** The number of the event in it. */
  decode(bytes: Uint8Array): number;
};

export type Contender = { readonly [W in Exclude<Workload, 'encode' | 'decode'>]?: Sides } & {
  readonly codec?: Codec;
};
