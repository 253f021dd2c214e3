import type { Reason } from '@terabus/core';
import { BusError } from '@terabus/core/transport';

/** An error as JetStream's API has it (NATS' ADR-1). `err_code` names it; `code` is like that of HTTP. */
export interface ApiError {
  readonly code: number;
  readonly err_code?: number | undefined;
  readonly description?: string | undefined;
}

/** The numbers by which something is decided here; the server's `errors.json` has all. */
export const ERR = {
  accountResourcesExceeded: 10002,
  noPeers: 10005,
  consumerNotFound: 10014,
  insufficientResources: 10023,
  memoryExceeded: 10028,
  noMessage: 10037,
  notEnabledForAccount: 10039,
  sequenceNotFound: 10043,
  storageExceeded: 10047,
  messageTooLarge: 10054,
  deleteFailed: 10057,
  nameInUse: 10058,
  streamNotFound: 10059,
  otherStream: 10060,
  overlap: 10065,
  wrongLastSequence: 10071,
  replicasWithoutCluster: 10074,
  notEnabled: 10076,
  storeFailed: 10077,
  headerTooLarge: 10097,
} as const;

const NO_ROOM: ReadonlySet<number | undefined> = new Set([
  ERR.accountResourcesExceeded,
  ERR.insufficientResources,
  ERR.memoryExceeded,
  ERR.storageExceeded,
]);

export const isMissing = ({ err_code }: ApiError): boolean =>
  err_code === ERR.streamNotFound || err_code === ERR.consumerNotFound;

/** Whether there is no such message to delete: it was, or is not yet. Servers of 2.9 tell of those outside of what they have by texts. */
export const isGone = ({ err_code, description = '' }: ApiError): boolean =>
  err_code === ERR.noMessage ||
  err_code === ERR.sequenceNotFound ||
  (err_code === ERR.deleteFailed && /no message found|store EOF|deleted message/.test(description));

/** Whether a server gives this answer while its cluster elects, or starts. */
export const isPassing = ({ code }: ApiError): boolean => code === 503;

/** Why a stream did not store a message. */
export function refusedToStore(error: ApiError, stream: string): BusError {
  const said = `: ${described(error)}`;
  const made = (reason: Reason, text: string) => new BusError(`${text}${said}`, { reason, details: { stream } });
  const { err_code, description = '' } = error;
  if (err_code === ERR.otherStream) {
    return made('TERABUS_STREAM_MISMATCH', `another stream than '${stream}' stores this subject`);
  }
  const full = err_code === ERR.storeFailed && /exceeded/.test(description);
  if (full || NO_ROOM.has(err_code)) return made('TERABUS_STREAM_FULL', `the stream '${stream}' has no room`);
  if (err_code === ERR.messageTooLarge || err_code === ERR.headerTooLarge) {
    return made('TERABUS_PAYLOAD_TOO_LARGE', `the stream '${stream}' takes no message of this size`);
  }
  if (isPassing(error)) return made('TERABUS_STREAM_UNAVAILABLE', `the stream '${stream}' can't store at this moment`);
  return made('TERABUS_NATS_ERROR', `the stream '${stream}' did not store the message`);
}

/** Why the API did not do what was asked for. */
export function refusedByApi(error: ApiError, what: string): BusError {
  const text = `JetStream refused ${what}: ${described(error)}`;
  const reason = isPassing(error) ? 'TERABUS_STREAM_UNAVAILABLE' : 'TERABUS_NATS_ERROR';
  return new BusError(text, { reason });
}

export const described = ({ code, err_code, description }: ApiError): string =>
  `${description || 'no reason given'} (${err_code ?? code})`;
