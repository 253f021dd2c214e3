import { BusError, printable } from '@terabus/core/transport';

/** What a server refused, as it says it in an `-ERR`. */
export interface Refusal {
  readonly operation: 'publish' | 'subscribe';
  readonly subject: string;
  readonly queue: string | undefined;
  /** The number of a subscription that was ended by new rules; undefined when it was refused at its start. */
  readonly subscription: number | undefined;
}

// The subject stands as Go quotes it, with a backslash in front of quotes and backslashes.
const VIOLATION = /Permissions Violation for (Publish|Subscription) to "((?:[^"\\]|\\.)*)"/i;
const QUEUE = /using queue "([^"]*)"/i;
const SUBSCRIPTION = /\(sid "(\d+)"\)/i;

/** Reads the text of an `-ERR`; undefined when it refuses no subject. */
export function parseRefusal(text: string): Refusal | undefined {
  const [, operation, subject] = VIOLATION.exec(text) ?? [];
  if (operation === undefined || subject === undefined) return undefined;
  const id = SUBSCRIPTION.exec(text)?.[1];
  return {
    operation: /^p/i.test(operation) ? 'publish' : 'subscribe',
    subject: subject.replace(/\\(.)/g, '$1'),
    queue: QUEUE.exec(text)?.[1],
    subscription: id === undefined ? undefined : Number(id),
  };
}

/** Whether a subject is one that answers or acknowledgements go to, of which nobody waits to hear. */
export const isReply = (subject: string) => /^(?:(?:@[^.]+\.)?_REPLY|_INBOX|_R_|\$JS\.ACK)\./.test(subject);

/**
 * The grant that a refused subject needs. Subjects of answers, of acknowledgements and of the keys of a bucket are
 * different ones each time: what is granted is all of one caller's, all inboxes, all of one consumer's or bucket's.
 */
export function grantFor(subject: string): string {
  return subject
    .replace(/^((?:@[^.]+\.)?_REPLY\.[^.]+)\..*$/, '$1.>')
    .replace(/^(_INBOX|_R_)\..*$/, '$1.>')
    .replace(/^\$JS\.ACK\.[^.]+\.[^.]+\.([^.]+\.[^.]+)(?:\.[^.]+){5,6}$/, '$JS.ACK.*.*.$1.*.*.*.*.>')
    .replace(/^(\$JS\.ACK\.[^.]+\.[^.]+)(?:\.[^.]+){5}$/, '$1.>')
    .replace(/^(\$KV\.[^.]+)\..*$/, '$1.>');
}

/** A request of JetStream's names a stream and a consumer, of up to 255 characters each: whoever grants it needs all. */
const LONGEST_GRANT = 600;

/** @see Refusal */
export function forbidden({ operation, subject, queue }: Refusal): BusError {
  const grant = grantFor(subject);
  return new BusError(
    `the NATS server does not let this user ${operation} to ${printable(grant, LONGEST_GRANT)}` +
      `${queue === undefined ? '' : ` in the queue ${printable(queue, LONGEST_GRANT)}`}: grant ${operation} on it`,
    { reason: 'TERABUS_NATS_FORBIDDEN', details: { operation, subject: grant, ...(queue && { queue }) } },
  );
}
