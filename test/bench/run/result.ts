import type { Metric, Sample } from './sample.js';

/** What a run came to, as it is written to JSON. */
export interface Result {
  /** What to type for a run like it. */
  readonly command: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly cases: readonly CaseResult[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  /** Processes that wanted to run, on average of a minute, before and behind the run. */
  readonly load: readonly [number, number];
}

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly explains: string;
  readonly compares: Metric;
  readonly columns: readonly Metric[];
  readonly againstFirst: boolean;
  readonly variants: readonly VariantResult[];
}

export interface VariantResult {
  readonly name: string;
  readonly base: string;
  readonly rows: readonly RowResult[];
}

export interface RowResult {
  readonly name: string;
  readonly samples: readonly Pick<Sample, 'messages' | 'values'>[];
  /** Why there are no samples. */
  readonly trouble?: string | undefined;
}
