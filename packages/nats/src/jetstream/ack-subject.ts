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

/** Reads those of one consumer, which nearly always are five numbers behind one text. */
export class AckReader {
  readonly #stream: string;
  readonly #consumer: string;
  readonly #front: string;

  constructor(stream: string, consumer: string) {
    this.#stream = stream;
    this.#consumer = consumer;
    this.#front = `$JS.ACK.${stream}.${consumer}.`;
  }

  /** As {@link parseAckSubject}; undefined also for those of other consumers. */
  read(subject: string): AckSubject | undefined {
    // Compared with a slice: `startsWith` takes longer than all that follows.
    const plain = subject.slice(0, this.#front.length) === this.#front ? this.#plain(subject) : undefined;
    if (plain !== undefined) return plain;
    const ack = parseAckSubject(subject);
    return ack?.stream === this.#stream && ack.consumer === this.#consumer ? ack : undefined;
  }

  #plain(subject: string): AckSubject | undefined {
    numbers.begin(subject, this.#front.length);
    const deliveries = numbers.next();
    numbers.dot();
    const sequence = numbers.next();
    numbers.dot();
    numbers.next();
    numbers.dot();
    const milliseconds = numbers.next(MILLISECOND_DIGITS);
    const nanoseconds = numbers.next(NANOSECOND_DIGITS);
    numbers.dot();
    const pending = numbers.next();
    if (!numbers.areAll) return undefined;
    return {
      stream: this.#stream,
      consumer: this.#consumer,
      deliveries,
      sequence,
      // Rounded as the text is: no six digits come to lie between two numbers so that the sum takes the other one.
      storedAt: milliseconds + nanoseconds / 10 ** NANOSECOND_DIGITS,
      pending,
      replyTo: subject,
      subjectFront: '',
    };
  }
}

const ZERO = 48;
const DOT = 46;
/** From 2001 to 2286. */
const MILLISECOND_DIGITS = 13;
const NANOSECOND_DIGITS = 6;

/** Reads numbers and dots in one pass: to look at a character is what takes time. */
class Numbers {
  #text = '';
  #at = 0;
  #isOdd = false;

  begin(text: string, at: number): void {
    this.#text = text;
    this.#at = at;
    this.#isOdd = false;
  }

  /** Whether that was all, and nothing else. */
  get areAll(): boolean {
    return !this.#isOdd && this.#at === this.#text.length;
  }

  /** The number that stands here; of so many digits, where they are given. */
  next(digits = 0): number {
    const text = this.#text;
    const begin = this.#at;
    const end = digits === 0 ? text.length : begin + digits;
    let number = 0;
    let at = begin;
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      number = number * 10 + digit;
    }
    if (at === begin || (digits > 0 && at < end)) this.#isOdd = true;
    this.#at = at;
    return number;
  }

  dot(): void {
    if (this.#text.charCodeAt(this.#at) !== DOT) this.#isOdd = true;
    this.#at += 1;
  }
}

const numbers = new Numbers();

/** One that belongs to no message: whoever may publish there may acknowledge, and nothing happens. */
export const ackProbe = (stream: string, consumer: string) => `$JS.ACK.${stream}.${consumer}.1.0.0.0.0`;
