import type { Code } from './code.js';

/**
 * Every reason that Terabus itself gives, with the code it implies and one sentence. `docs/errors.md` mirrors this
 * table. To add a reason, add a line; reasons are stable and never change their code.
 */
export const reasons = {
  // messages
  TERABUS_JSON_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The JSON is not one of this message type.' },
  TERABUS_MESSAGE_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The message holds what its type cannot carry.' },
  TERABUS_MESSAGE_OUT_OF_PROPORTION: {
    code: 'RESOURCE_EXHAUSTED',
    sentence: 'A few bytes of input would become far too many objects.',
  },
  TERABUS_MESSAGE_UNDECODABLE: { code: 'INVALID_ARGUMENT', sentence: 'The bytes are not a message of this type.' },
  TERABUS_RPC_VALUE: { code: 'INVALID_ARGUMENT', sentence: 'The value does not fit an argument of a call.' },
  TERABUS_TIME_REQUIRED: {
    code: 'INVALID_ARGUMENT',
    sentence: 'An envelope needs its time in epoch seconds: without it OpenTera may take the bytes for text.',
  },
  TERABUS_TYPE_CONFLICT: { code: 'FAILED_PRECONDITION', sentence: 'Two different message types have one name.' },
  TERABUS_TYPE_MISMATCH: { code: 'INVALID_ARGUMENT', sentence: 'The Any holds a message of another type.' },
  TERABUS_TYPE_SHAPE: {
    code: 'FAILED_PRECONDITION',
    sentence: 'The generated code has not the shape that protoc-gen-terabus gives it.',
  },
  TERABUS_TYPE_UNKNOWN: { code: 'NOT_FOUND', sentence: 'The registry has no message type of that name.' },
  // contracts and services
  TERABUS_CONTRACT_INVALID: {
    code: 'INVALID_ARGUMENT',
    sentence: 'A contract, a topic or their options say what cannot be.',
  },
  TERABUS_CONTRACT_MISMATCH: {
    code: 'FAILED_PRECONDITION',
    sentence: 'Two parties hold different definitions of one name.',
  },
  TERABUS_HANDLER_INVALID: { code: 'FAILED_PRECONDITION', sentence: 'A decorator stands where it cannot work.' },
  TERABUS_HOST_INVALID: {
    code: 'FAILED_PRECONDITION',
    sentence: 'The services of a host, or its options, do not go together.',
  },
  TERABUS_SERVICE_INVALID: { code: 'FAILED_PRECONDITION', sentence: 'A class is not a whole service of its contract.' },

  // lifecycle
  TERABUS_START_FAILED: { code: 'FAILED_PRECONDITION', sentence: 'A service could not be started.' },
  TERABUS_NOT_STARTED: { code: 'FAILED_PRECONDITION', sentence: 'The bus was used before it was there.' },
  TERABUS_DRAINING: { code: 'UNAVAILABLE', sentence: 'The service is on its way out and takes nothing more.' },

  // publishing
  TERABUS_NOT_DECLARED: { code: 'FAILED_PRECONDITION', sentence: 'The service uses what its class does not declare.' },
  TERABUS_TYPE_NOT_CARRIED: { code: 'INVALID_ARGUMENT', sentence: 'The topic does not carry messages of that type.' },

  // handling
  TERABUS_HANDLER_ABANDONED: {
    code: 'DEADLINE_EXCEEDED',
    sentence: 'A handler that had timed out did not end even then.',
  },
  TERABUS_HANDLER_FAILED: { code: 'INTERNAL', sentence: 'A handler threw something that is no BusError.' },
  TERABUS_HANDLER_TIMEOUT: { code: 'DEADLINE_EXCEEDED', sentence: 'A handler did not end within its time.' },
  TERABUS_MESSAGE_REJECTED: {
    code: 'INVALID_ARGUMENT',
    sentence: 'A message does not pass the checks of its service.',
  },
  TERABUS_SEQUENCE_GAP: { code: 'DATA_LOSS', sentence: 'Module messages of one sender are missing.' },
  TERABUS_MESSAGE_MISPLACED: {
    code: 'INVALID_ARGUMENT',
    sentence: 'The header of a message names another topic than the one it came by.',
  },

  // calls
  TERABUS_RPC_ARGUMENTS: { code: 'INVALID_ARGUMENT', sentence: 'The arguments are not those of the contract.' },
  TERABUS_RPC_CANCELLED: { code: 'CANCELLED', sentence: 'The caller gave the call up.' },
  TERABUS_RPC_FAILED: { code: 'UNKNOWN', sentence: 'The callee said that it failed, and nothing more.' },
  TERABUS_RPC_METHOD_UNKNOWN: { code: 'UNIMPLEMENTED', sentence: 'The callee has no such method.' },
  TERABUS_RPC_REPLY: { code: 'INTERNAL', sentence: 'The answer is not one to the call.' },
  TERABUS_RPC_REQUEST: { code: 'INVALID_ARGUMENT', sentence: 'The bytes of the request are not an RPCMessage.' },
  TERABUS_RPC_RESULT: { code: 'INTERNAL', sentence: 'The result is not what the contract says.' },
  TERABUS_RPC_TIMEOUT: { code: 'DEADLINE_EXCEEDED', sentence: 'The call was not answered in time.' },

  // core: topics
  TERABUS_NAMESPACE_INVALID: {
    code: 'INVALID_ARGUMENT',
    sentence: 'A namespace is 1 to 32 ASCII letters, digits, underscores or dashes.',
  },
  TERABUS_PATTERN_INVALID: {
    code: 'INVALID_ARGUMENT',
    sentence: 'The text is no pattern: tokens as in a subject, * for one token, > at the end for one or more.',
  },
  TERABUS_SUBJECT_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The subject is not that of any topic.' },
  TERABUS_TOPIC_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'A topic is a non-empty text of well-formed Unicode.' },
  TERABUS_TOPIC_PARAMETER: {
    code: 'INVALID_ARGUMENT',
    sentence: 'A parameter of a topic is missing, unknown, or not exactly one token.',
  },
  TERABUS_TOPIC_TOO_LONG: {
    code: 'INVALID_ARGUMENT',
    sentence: 'The subject of a topic, with its namespace, is longer than 255 bytes.',
  },

  // core: transports
  TERABUS_CLOSED: { code: 'FAILED_PRECONDITION', sentence: 'The transport is closed and will not come back.' },
  TERABUS_DISCONNECTED: { code: 'UNAVAILABLE', sentence: 'The link to the server was lost; it is being restored.' },
  TERABUS_GROUP_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The name of a group is empty or not well-formed.' },
  TERABUS_HEADER_INVALID: {
    code: 'INVALID_ARGUMENT',
    sentence: 'A header is reserved, or would not arrive as it was given.',
  },
  TERABUS_MESSAGE_BAD: { code: 'INVALID_ARGUMENT', sentence: 'A message arrived whose headers are malformed.' },
  TERABUS_NO_RESPONDERS: { code: 'UNAVAILABLE', sentence: 'Nobody subscribes to the topic of the request.' },
  TERABUS_OVERLOADED: {
    code: 'RESOURCE_EXHAUSTED',
    sentence: 'More is waiting than may wait: for a handler, for the server, or for the link.',
  },
  TERABUS_PAYLOAD_TOO_LARGE: { code: 'INVALID_ARGUMENT', sentence: 'The message is larger than the server takes.' },
  TERABUS_REPLY_REFUSED: { code: 'PERMISSION_DENIED', sentence: 'No answer is sent to a subject of that shape.' },

  TERABUS_UNCONFIRMED: {
    code: 'UNKNOWN',
    sentence: 'The link was lost before the server was known to have the message: it may have been delivered or not.',
  },

  // streams
  TERABUS_BUCKET_MISSING: { code: 'FAILED_PRECONDITION', sentence: 'The bucket is not there: it was not provisioned.' },
  TERABUS_CONSUMER_MISSING: {
    code: 'FAILED_PRECONDITION',
    sentence: 'The consumer of a durable topic is not there: it was not provisioned, or was deleted.',
  },
  TERABUS_DEAD_LETTER_MISSING: {
    code: 'NOT_FOUND',
    sentence: 'There is no dead letter of that number: it was replayed, purged, or grew too old.',
  },
  TERABUS_KEY_CONFLICT: { code: 'ABORTED', sentence: 'The key has been changed by somebody else.' },
  TERABUS_PROCESS_ENDED: {
    code: 'ABORTED',
    sentence: 'The process ended while a message was handled, again and again: it was given up.',
  },
  TERABUS_LEASE_LOST: {
    code: 'ABORTED',
    sentence: 'A lease could not be renewed in time, or somebody else has taken it.',
  },
  TERABUS_STORE_DRIFT: {
    code: 'FAILED_PRECONDITION',
    sentence: 'Streams, consumers or buckets on the server are not as the contracts say.',
  },
  TERABUS_STORE_UNKNOWN: {
    code: 'DEADLINE_EXCEEDED',
    sentence: 'Nobody knows whether the message was stored: the same message id again finds out.',
  },
  TERABUS_STREAM_COPIES_DIFFER: {
    code: 'DATA_LOSS',
    sentence: 'The copies of a stream in its cluster have come to hold different messages under one number.',
  },
  TERABUS_STREAM_FULL: { code: 'RESOURCE_EXHAUSTED', sentence: 'The stream is full and refuses what is new.' },
  TERABUS_STREAM_MISMATCH: {
    code: 'FAILED_PRECONDITION',
    sentence: 'Another stream than that of the topic acknowledged the message, or somebody who is no stream.',
  },
  TERABUS_STREAM_MISSING: {
    code: 'FAILED_PRECONDITION',
    sentence: 'The stream of a durable topic is not there: it was not provisioned, or was deleted.',
  },
  TERABUS_STREAM_UNAVAILABLE: { code: 'UNAVAILABLE', sentence: 'No stream took the message at this moment.' },

  // sql
  TERABUS_TRANSACTION_FAILED: {
    code: 'ABORTED',
    sentence: 'A statement of the transaction failed, so that nothing of it is kept.',
  },
  TERABUS_TRANSACTION_OVER: {
    code: 'FAILED_PRECONDITION',
    sentence: 'There is no transaction of the inbox here, or it has ended.',
  },

  // nats
  TERABUS_ENVIRONMENT_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'An environment variable has a bad value.' },
  TERABUS_NATS_ERROR: { code: 'UNAVAILABLE', sentence: 'NATS or its client failed in a way that has no name here.' },
  TERABUS_NATS_FORBIDDEN: { code: 'PERMISSION_DENIED', sentence: 'The NATS server does not grant this subject.' },
  TERABUS_NATS_UNAUTHENTICATED: { code: 'UNAUTHENTICATED', sentence: 'The NATS server refuses the credentials.' },
  TERABUS_NO_SERVER: { code: 'UNAVAILABLE', sentence: 'No NATS server answered in the time allowed.' },
  TERABUS_OPTIONS_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'An option is unknown or has a bad value.' },
} as const satisfies Record<string, { readonly code: Code; readonly sentence: string }>;

/** One of the reasons that Terabus itself gives. Users add reasons of their own, which are any text. */
export type Reason = keyof typeof reasons;

/** Whether a text is one of Terabus' own reasons. */
export function isReason(value: unknown): value is Reason {
  return typeof value === 'string' && Object.hasOwn(reasons, value);
}
