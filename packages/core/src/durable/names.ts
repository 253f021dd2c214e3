// What streams, consumers and buckets are called, and where what a service stores for itself is published. Names are
// any text here; the transport spells them for the server. No topic of a user's can be one of these subjects: the
// first token of a topic's subject never begins with `_`.
import type { TopicDefinition } from '../contract/contract.js';
import { toName } from '../topics/name.js';

/** The stream of a durable topic, or of all topics of a family. */
export const streamOf = ({ template }: Pick<TopicDefinition, 'template'>): string => template;

/** The consumer of a delivery group, in the stream of its topic and in that of the service's retries. */
export const consumerOf = (address: string, pattern: string): string => `${address} ${pattern}`;

/** The stream of what a service tries again. */
export const retriesOf = (address: string): string => `${address} retries`;

/** The stream of what a service has given up. */
export const deadLettersOf = (address: string): string => `${address} dead letters`;

/**
 * The bucket of what a service remembers: messages that are suspected of ending the process, those that are done, and
 * who holds its leases.
 */
export const bucketOf = (address: string): string => `${address} marks`;

/** Where a delivery group publishes what it tries again. */
export const retrySubject = (address: string, pattern: string): string =>
  `_RETRY.${toName(address)}.${toName(consumerOf(address, pattern))}`;

/** Where a delivery group publishes what it gives up. */
export const deadLetterSubject = (address: string, pattern: string): string =>
  `_DEAD.${toName(address)}.${toName(consumerOf(address, pattern))}`;
