export { terabusAssertions } from './assertions.js';
export { type Bus, type Features, transportConformance } from './conformance/index.js';
