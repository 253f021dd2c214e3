export { formatAbandoned, MAX_NAMED_RANGES, parseAbandoned } from './abandoned.js';
export type { SequenceRange, SequenceRanges } from './ranges.js';
export { Sequencer, type SequencerOptions, type SequenceStamp } from './sequencer.js';
export { MAX_SEQ } from './serial.js';
export { type Arrival, SequenceTracker, type SequenceTrackerOptions } from './tracker.js';
export type { Verdict } from './verdict.js';
