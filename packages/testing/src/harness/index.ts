export type { Harness } from './harness.js';
export type { HandlingOf } from './harness-types.js';
export type { LogLine } from './logs.js';
export type { Call, Handling } from './recorder.js';
export type { SendOptions } from './sender.js';
export { type HarnessOptions, startHarness } from './start-harness.js';
export { type Answers, type Stub, stub } from './stub.js';
