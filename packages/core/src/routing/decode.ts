import type { Any } from '@terabus/messages';
import { BusError, decodeModuleMessage, decodeTeraEvent } from '@terabus/messages';
import { printable } from '../topics/printable.js';
import type { Inbound } from '../transport/transport.js';

/** What is in an envelope, still packed: it points into the envelope's bytes, and is to be unpacked at once. */
export interface Envelope {
  /** Seconds since the Unix epoch; undefined where the sender wrote none. */
  readonly time: number | undefined;
  readonly contents: readonly Any[];
  /** What the sender calls itself; empty in a `TeraEvent`, which has no such field. */
  readonly source: string;
  /** The sender's number for this destination; 0 where it doesn't count. */
  readonly seq: number;
}

/**
 * Opens the envelope of a message. The subject that it came by is its topic, where nothing else is said; a header that names another one makes it
 * a bad message, a header that names none does not.
 *
 * @throws BusError `TERABUS_MESSAGE_UNDECODABLE` or `TERABUS_MESSAGE_MISPLACED`
 */
export function openEnvelope(wrapper: 'event' | 'module-message', inbound: Inbound, topic = inbound.topic): Envelope {
  const bytes = inbound.view ?? inbound.bytes;
  if (wrapper === 'event') {
    const { header, events } = decodeTeraEvent(bytes, { copy: false, likelyTopic: topic });
    checkPlace('header.topic', header?.topic, topic);
    return { time: timeOf(header), contents: events, source: '', seq: 0 };
  }
  const { head, data } = decodeModuleMessage(bytes, { copy: false, likelyTopic: topic });
  checkPlace('head.dest', head?.dest, topic);
  return { time: timeOf(head), contents: data, source: head?.source ?? '', seq: head?.seq ?? 0 };
}

/** proto3 doesn't tell a time that nobody wrote from 0, and nothing was published in 1970. */
const timeOf = (header: { readonly time: number } | undefined): number | undefined => header?.time || undefined;

function checkPlace(field: string, claimed: string | undefined, topic: string): void {
  if (claimed === undefined || claimed === '' || claimed === topic) return;
  throw new BusError(`the message came by '${topic}', but its ${field} says ${printable(claimed)}`, {
    reason: 'TERABUS_MESSAGE_MISPLACED',
  });
}
