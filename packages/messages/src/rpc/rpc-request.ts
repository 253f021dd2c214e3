import { requireTime } from '../envelopes/require-time.js';
import { shielded } from '../errors/shielded.js';
import type { Value } from '../gen/RPCMessage.js';
import { RPCMessage } from '../gen/RPCMessage.js';

/** What an RPCMessage is made of. */
export interface RpcRequestParts {
  /** Name of the method. */
  readonly method: string;
  /** Channel of the answer; empty when nobody awaits one. Terabus answers to the transport's reply subject. */
  readonly replyTo: string;
  /** Number of the call in its client's count, from 0. */
  readonly id: bigint;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  /** The arguments, in order. */
  readonly args: readonly Value[];
}

/**
 * The bytes of an RPCMessage, which travels without an envelope.
 * @throws BusError TERABUS_TIME_REQUIRED if the timestamp is zero or not finite (contract 3.4).
 */
export function encodeRpcRequest(parts: RpcRequestParts): Uint8Array {
  return shielded('what an RPCMessage is made of', 'TERABUS_MESSAGE_INVALID', () => {
    const { method, replyTo, id, timestamp, args } = parts;
    requireTime('an RPCMessage', timestamp);
    return RPCMessage.encode({
      $type: 'opentera.protobuf.RPCMessage',
      method,
      replyTo,
      id,
      timestamp,
      args: [...args],
    });
  });
}

/** The RPCMessage in these bytes. */
export function decodeRpcRequest(bytes: Uint8Array): RPCMessage {
  return RPCMessage.decode(bytes);
}
