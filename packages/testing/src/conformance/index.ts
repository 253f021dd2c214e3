// The contracts of the ports as tests, for whoever writes another side of them.
export { type ConformanceCase, conformanceCases, neverRun } from './case-list.js';
export type { Features } from './features.js';
export type { ServiceBus } from './service/service-suite.js';
export { serviceConformance } from './service-conformance.js';
export type { StreamBus } from './streams/streams-suite.js';
export { streamsConformance } from './streams-conformance.js';
export type { Bus } from './suite.js';
export { transportConformance } from './transport-conformance.js';
