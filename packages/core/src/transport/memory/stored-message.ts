import type { StoredMessage } from '../streams.js';
import type { Row } from './stream.js';

/** A message of a stream as its reader gets it: a copy, without the headers that are the transport's. */
export function toStoredMessage({ subject, bytes, headers, sequence, storedAt }: Row, stream: string): StoredMessage {
  const visible = new Map([...headers].filter(([name]) => !name.startsWith('Nats-')));
  return { subject, bytes: new Uint8Array(bytes), headers: visible, stream, sequence, storedAt };
}
