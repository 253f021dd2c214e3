import type { Measurement, Row } from '../cases/case.js';
import type { Amounts } from './amounts.js';
import { measureCalls } from './measure-calls.js';
import { measureCodec } from './measure-codec.js';
import { measureHandle } from './measure-handle.js';
import { measureGrowth, measureIdle } from './measure-memory.js';
import { measurePaced, measureStream } from './measure-stream.js';
import type { Sample } from './sample.js';

/** What a row came to in one round. */
export type Measured = Pick<Sample, 'messages' | 'values'>;

/** Measures one row once, in processes of its own. Rejects where a message is missing, or came twice, or out of order. */
export const measure: Readonly<Record<Measurement, (row: Row, amounts: Amounts) => Promise<Measured>>> = {
  stream: measureStream,
  paced: measurePaced,
  calls: measureCalls,
  store: measureCalls,
  handle: measureHandle,
  codec: measureCodec,
  idle: measureIdle,
  growth: measureGrowth,
};
