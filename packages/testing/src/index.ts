// For tests of services, with any test runner. The conformance suites, which load mocha and chai, stand behind
// '@terabus/testing/conformance'.
export { terabusAssertions } from './assertions.js';
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
export {
  findNatsServer,
  type NatsCluster,
  type NatsClusterOptions,
  type NatsServer,
  type NatsServerOptions,
  startNatsCluster,
  startNatsServer,
} from './server/index.js';
