import {
  checkedStoreSubject,
  checkStorePattern,
  toName,
  withNamespace,
  withoutNamespace,
} from '@terabus/core/transport';

/** How the names and subjects of plans are spelled at the server. */
export class Names {
  readonly namespace: string | undefined;
  readonly #known = new Map<string, string>();

  constructor(namespace: string | undefined) {
    this.namespace = namespace;
  }

  /** Of a stream or a consumer. Plans name few, and each is hashed once. */
  of(name: string): string {
    let known = this.#known.get(name);
    if (known === undefined) {
      known = toName(name, this.namespace);
      this.#known.set(name, known);
    }
    return known;
  }

  /** The stream of a bucket (NATS' ADR-8). */
  bucket(name: string): string {
    return `KV_${this.of(name)}`;
  }

  /** What stands in front of the keys of a bucket. */
  keys(bucket: string): string {
    return `$KV.${this.of(bucket)}.`;
  }

  /** Of a subject or pattern. */
  subject(subject: string): string {
    return withNamespace(subject, this.namespace);
  }

  /** Of a subject that something is stored under. @throws BusError `TERABUS_SUBJECT_INVALID`, `TERABUS_TOPIC_TOO_LONG` */
  published(subject: string): string {
    return checkedStoreSubject(subject, this.namespace);
  }

  /** Of a pattern of what is stored. @throws BusError `TERABUS_PATTERN_INVALID` */
  pattern(pattern: string): string {
    checkStorePattern(pattern);
    return this.subject(pattern);
  }

  /** The way back; what lies outside of the namespace stays as it is. */
  unwired(subject: string): string {
    return withoutNamespace(subject, this.namespace) ?? subject;
  }
}

/** How a stream, a consumer or a bucket is called in sentences and in differences. */
export const streamCalled = (stream: string) => `stream '${stream}'`;
export const consumerCalled = (stream: string, consumer: string) => `consumer '${consumer}' of stream '${stream}'`;
export const bucketCalled = (bucket: string) => `bucket '${bucket}'`;
