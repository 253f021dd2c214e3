export { terabusAssertions } from './assertions.js';
export {
  type Bus,
  type ConformanceCase,
  conformanceCases,
  type Features,
  neverRun,
  type ServiceBus,
  serviceConformance,
  transportConformance,
} from './conformance/index.js';
export {
  type Answers,
  type Call,
  type Handling,
  type HandlingOf,
  type Harness,
  type HarnessOptions,
  type LogLine,
  type SendOptions,
  type Stub,
  startHarness,
  stub,
} from './harness/index.js';
export { findNatsServer, type NatsServer, type NatsServerOptions, startNatsServer } from './server/index.js';
