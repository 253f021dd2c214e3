/** What is measured, with how it is shown: see `legend`. */
export const metrics = {
  perSecond: { title: 'per second', better: 'more', digits: 0 },
  each: { title: 'µs each', better: 'less', digits: 2 },
  p50: { title: 'p50 µs', better: 'less', digits: 0 },
  p99: { title: 'p99 µs', better: 'less', digits: 0 },
  senderCpu: { title: 'pub CPU µs', better: 'less', digits: 1 },
  receiverCpu: { title: 'sub CPU µs', better: 'less', digits: 1 },
  serverCpu: { title: 'server CPU µs', better: 'less', digits: 1 },
  senderPeak: { title: 'pub peak MB', better: 'less', digits: 0 },
  receiverPeak: { title: 'sub peak MB', better: 'less', digits: 0 },
  senderDelay: { title: 'pub delay ms', better: 'less', digits: 1 },
  receiverDelay: { title: 'sub delay ms', better: 'less', digits: 1 },
  memory: { title: 'MB', better: 'less', digits: 1 },
  senderGrowth: { title: 'pub growth MB', better: 'less', digits: 1 },
  receiverGrowth: { title: 'sub growth MB', better: 'less', digits: 1 },
} as const satisfies Record<string, { title: string; better: 'more' | 'less'; digits: number }>;

export type Metric = keyof typeof metrics;

/** What one row came to in one round. */
export interface Sample {
  readonly case: string;
  readonly variant: string;
  readonly row: string;
  readonly round: number;
  /** How many messages were measured; all of them arrived. */
  readonly messages: number;
  readonly values: Readonly<Partial<Record<Metric, number>>>;
}

/** What the columns mean. */
export const legend: readonly (readonly [string, string])[] = [
  ['pub, sub', 'the process of the publisher, or caller; that of the subscriber, or callee'],
  ['server', 'nats-server; what it needed is known on Linux alone'],
  ['CPU µs', 'what the process needed of all cores for one message, in microseconds'],
  ['peak MB', 'its most resident memory (RSS) since its start; 1 MB is 2^20 bytes'],
  ['delay ms', 'how late its event loop turned, in 99 of 100 looks, in milliseconds'],
  ['p50, p99 µs', 'what 50, and 99, of 100 messages did not exceed, in microseconds'],
  ['× the base', 'how many times the median of the row that the others are held against'],
  ['× the first', 'how many times the median of the same row in the first step'],
];
