import type { StoredMessage } from '../transport/streams.js';
import type { Headers } from '../transport/transport.js';
import { DEAD_HEADER, DURABLE_HEADER, ownHeaders } from './headers.js';
import { parseOrigin } from './origin.js';

/** A message that a service has given up. What is undefined nobody knew. */
export interface DeadLetter {
  /** Its number among the dead letters of its service. */
  readonly id: number;
  readonly reason: string | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  /** The address of the service, and the version that its host was told. */
  readonly service: string;
  readonly version: string | undefined;
  /** The pattern of its delivery group. */
  readonly group: string;
  /** `Class.method`; undefined where the message could not be read. */
  readonly handler: string | undefined;
  readonly type: string | undefined;
  readonly topic: string | undefined;
  /** Where it lies first, and which content of its envelope it is: undefined for all. */
  readonly stream: string | undefined;
  readonly sequence: number | undefined;
  readonly index: number | undefined;
  readonly tries: number;
  /** When it failed first and last, in milliseconds since the Unix epoch, by the clock of the service. */
  readonly firstFailed: number | undefined;
  readonly lastFailed: number | undefined;
  /** The id of its W3C trace. */
  readonly trace: string | undefined;
  /**
   * Whether its bytes were left where they lie first, since a message of the largest size has no room for what is known
   * of it. It can be shown and purged, not replayed.
   */
  readonly isCut: boolean;
  /** As it was published; empty where {@link isCut}. */
  readonly bytes: Uint8Array;
  /** Its own. */
  readonly headers: Headers;
}

/** What lies there may be anybody's: nothing of it is believed to be well-formed. */
export function letterOf({ sequence: id, bytes, headers }: StoredMessage, address: string): DeadLetter {
  const text = (name: string) => headers.get(name);
  const number = (name: string) => (/^\d{1,16}$/.test(text(name) ?? '') ? Number(text(name)) : undefined);
  let origin: Partial<ReturnType<typeof parseOrigin>> = {};
  try {
    origin = parseOrigin(text(DURABLE_HEADER.origin));
  } catch {
    // It says nothing of it.
  }
  return {
    id,
    reason: text(DEAD_HEADER.reason),
    code: text(DEAD_HEADER.code),
    text: text(DEAD_HEADER.text),
    service: text(DEAD_HEADER.service) ?? address,
    version: text(DEAD_HEADER.version),
    group: text(DEAD_HEADER.group) ?? '',
    handler: text(DEAD_HEADER.handler),
    type: text(DEAD_HEADER.type),
    topic: decoded(text(DEAD_HEADER.topic)),
    stream: origin.stream,
    sequence: origin.sequence,
    index: origin.index,
    tries: number(DEAD_HEADER.tries) ?? 0,
    firstFailed: number(DEAD_HEADER.first),
    lastFailed: number(DEAD_HEADER.last),
    trace: text(DEAD_HEADER.trace),
    isCut: headers.has(DEAD_HEADER.cut),
    bytes,
    headers: ownHeaders(headers),
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
