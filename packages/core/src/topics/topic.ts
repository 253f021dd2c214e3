import { BusError } from '@terabus/messages';
import { printable } from './printable.js';

/**
 * Checks that something can be a topic: a non-empty string of well-formed Unicode. That is
 * all OpenTera's names promise: spaces, wildcards, empty tokens and accents are legal here, because keys of services
 * are free text. Lone surrogates are refused since they have no UTF-8 form; so is the empty text, which OpenTera
 * publishes to when it could not read who is to be answered, and means nobody.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`
 */
export function checkTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== 'string') throw invalid(`a topic is a string, not ${printable(topic)}`);
  if (topic === '') throw invalid('a topic is not empty');
  if (!topic.isWellFormed()) {
    throw invalid(`the topic ${printable(topic)} is not well-formed Unicode: it has half of a surrogate pair`);
  }
}

function invalid(message: string): BusError {
  return new BusError(message, { reason: 'TERABUS_TOPIC_INVALID' });
}
