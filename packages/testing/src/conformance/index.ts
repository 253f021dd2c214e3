// The contracts of the ports as tests, for whoever writes another side of them.
export type { Features } from './features.js';
export type { Bus } from './suite.js';
export { transportConformance } from './transport-conformance.js';
