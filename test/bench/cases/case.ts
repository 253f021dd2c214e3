import type { Metric } from '../run/sample.js';

/** How much an event carries; see `content.ts`. */
export type Payload = '16 B' | '200 B' | '1 KB' | '4 KB' | '16 KB' | '64 KB';

/** What is done to the messages of a row. Each contender has code of its own for each that it can do. */
export type Workload = 'events' | 'messages' | 'rpc' | 'store' | 'handle' | 'encode' | 'decode';

/** How a workload is set. Plain data: it goes to the processes as it is. */
export interface Setting {
  readonly workload: Workload;
  readonly payload: Payload;
  /** Events in one envelope. */
  readonly perEnvelope: number;
  /** Whether they are published one by one, and a batching publisher fills the envelopes. */
  readonly batching: boolean;
  /** Over how many topics the events go, one after another. */
  readonly topics: number;
  /** Who reads these: one handler of a pattern, a handler for each in one service, or a service for each in one process. */
  readonly readers: 'pattern' | 'handlers' | 'services';
  /** Calls, or publishes that are acknowledged, that are on their way at a time. */
  readonly inFlight: number;
  /** Whether the cores are kept from sleeping: see `AwakeCores`. */
  readonly awake: boolean;
}

/** How a row is measured. */
export type Measurement = 'stream' | 'paced' | 'calls' | 'store' | 'handle' | 'codec' | 'idle' | 'growth';

export type ContenderName =
  | 'raw'
  | 'terabus'
  | 'terabus-asleep'
  | 'terabus-full'
  | 'terabus-lines'
  | 'nest'
  | 'moleculer';

/** One contender under one setting: a line of a table. */
export interface Row {
  /** What the table calls it. Unique in its variant. */
  readonly name: string;
  readonly contender: ContenderName;
  readonly setting: Setting;
}

/** Rows that are held against each other, in rounds that alternate them. */
export interface Variant {
  readonly name: string;
  readonly rows: readonly Row[];
  /** The name of the row that the others are held against. */
  readonly base: string;
}

/** One thing that is measured. */
export interface Case {
  readonly name: string;
  readonly title: string;
  /** Sentences for a newcomer: what is done, and what the columns say. */
  readonly explains: string;
  readonly measurement: Measurement;
  /** What the rows are compared by: the first column. */
  readonly compares: Metric;
  /** The other columns. */
  readonly columns: readonly Metric[];
  /** The variant that `--smoke` runs. */
  readonly smoke: string;
  readonly variants: readonly Variant[];
  /** Whether each row is held against the row of its name in the first variant: for cost as work grows. */
  readonly againstFirst?: boolean;
  /** Fewer than a run has: for what takes long and hardly varies. */
  readonly rounds?: number;
}

const plain: Setting = {
  workload: 'events',
  payload: '200 B',
  perEnvelope: 1,
  batching: false,
  topics: 1,
  readers: 'pattern',
  inFlight: 256,
  awake: false,
};

/** A setting that differs from the plain one: events of 200 B, one in an envelope, on one topic. */
export const setting = (differs: Partial<Setting>): Setting => ({ ...plain, ...differs });
