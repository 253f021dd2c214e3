export { parseTemplate, type TopicParameters, type TopicTemplate } from './template.js';
export { checkTopic } from './topic.js';

// What transports and tools need.

export { fromSubject, toSubject } from './escape.js';
export { toName } from './name.js';
export {
  checkedPattern,
  checkedSubject,
  checkNamespace,
  MAX_SUBJECT_BYTES,
  withNamespace,
  withoutNamespace,
} from './namespace.js';
export { checkPattern, compilePattern, matches, overlaps } from './pattern.js';
