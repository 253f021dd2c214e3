/** What a stream tells of a message that it hands out, in the subject where it is acknowledged. */
export interface AckSubject {
  readonly stream: string;
  readonly consumer: string;
  readonly deliveries: number;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch, with their fraction. */
  readonly storedAt: number;
  readonly pending: number;
  /** Where it is acknowledged: all of the subject that belongs there. */
  readonly replyTo: string;
  /** What belongs in front of the message's own subject. Empty where a server has left that alone. */
  readonly subjectFront: string;
}

/** As servers of today write it: stream, consumer, deliveries, sequence, sequence of the consumer, time, pending. */
const PLAIN = /^\$JS\.ACK\.([^.]+)\.([^.]+)\.(\d+)\.(\d+)\.\d+\.(\d+)\.(\d+)(?<moved>@.*)?$/;

/** As newer ones can: domain and account in front, perhaps a random token at the end. */
const WITH_ACCOUNT =
  /^\$JS\.ACK\.[^.]+\.[^.]+\.([^.]+)\.([^.]+)\.(\d+)\.(\d+)\.\d+\.(\d+)\.(\d+)(?:\.[^.@]+)?(?<moved>@.*)?$/;

/**
 * Reads it; undefined for any other subject, which is nowhere to acknowledge to.
 *
 * From one server to the next a message goes as `<acknowledgement>@<subject>`, and 2.9 divides that at its last `@`: of a
 * subject with one, as any in a namespace, all in front of it stays here.
 */
export function parseAckSubject(subject: string | undefined): AckSubject | undefined {
  if (subject === undefined) return undefined;
  const parts = PLAIN.exec(subject) ?? WITH_ACCOUNT.exec(subject);
  if (parts === null) return undefined;
  const { moved = '' } = parts.groups as { moved?: string };
  const [, stream = '', consumer = '', deliveries, sequence, nanoseconds = '', pending] = parts;
  return {
    stream,
    consumer,
    deliveries: Number(deliveries),
    sequence: Number(sequence),
    // Divided as text: a number has not so many digits.
    storedAt: Number(`${nanoseconds.slice(0, -6)}.${nanoseconds.slice(-6)}`),
    pending: Number(pending),
    replyTo: subject.slice(0, subject.length - moved.length),
    subjectFront: moved === '' ? '' : `${moved.slice(1)}@`,
  };
}

/** One that belongs to no message: whoever may publish there may acknowledge, and nothing happens. */
export const ackProbe = (stream: string, consumer: string) => `$JS.ACK.${stream}.${consumer}.1.0.0.0.0`;
