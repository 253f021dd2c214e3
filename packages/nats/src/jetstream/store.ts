import type { Stored, StoreMessage } from '@terabus/core/transport';
import { BusError, printable } from '@terabus/core/transport';
import { encodeHeaders } from '../headers.js';
import { type ApiError, refusedToStore } from './api-error.js';
import { type JetStream, type NoAnswer, parsed } from './jetstream.js';

/** What a stream says when it has a message. */
interface PubAck {
  readonly stream?: unknown;
  readonly seq?: unknown;
  readonly duplicate?: unknown;
  readonly error?: ApiError;
}

/** One line of printable ASCII, as it arrives. */
const MESSAGE_ID = /^[!-~](?:[ -~]*[!-~])?$/;

/** One attempt. @see Streams.store */
export async function store(jetStream: JetStream, message: StoreMessage, timeoutMs: number): Promise<Stored> {
  const { stream, messageId } = message;
  const { names } = jetStream;
  const answer = await jetStream.ask(() => {
    if (!MESSAGE_ID.test(messageId)) {
      throw new BusError(`a message id is one line of printable ASCII, not ${printable(messageId)}`, {
        reason: 'TERABUS_HEADER_INVALID',
      });
    }
    const own = new Map([
      // Else another stream could have stored it before its acknowledgement is refused here. In front of the id, which
      // somebody else may have chosen: what names a header that comes behind hides it from servers of 2.9.
      ['Nats-Expected-Stream', names.of(stream)],
      ['Nats-Msg-Id', messageId],
    ]);
    const headers = encodeHeaders(message.headers, own);
    return { subject: names.published(message.subject), bytes: message.bytes, headers };
  }, timeoutMs);
  if ('error' in answer) throw failed(answer, stream);
  const ack: PubAck = parsed(answer.bytes) ?? {};
  if (ack.error) throw refusedToStore(ack.error, stream);
  if (ack.stream !== names.of(stream) || !Number.isSafeInteger(ack.seq) || (ack.seq as number) < 1) {
    throw new BusError(`what acknowledged the message is not the stream '${stream}'`, {
      reason: 'TERABUS_STREAM_MISMATCH',
      details: { stream },
    });
  }
  return { stream, sequence: ack.seq as number, duplicate: ack.duplicate === true };
}

/** What no answer says of a change that was asked for. */
export function failed({ error, unknown }: NoAnswer, where: string): BusError {
  if (unknown) {
    return new BusError(`nobody knows whether '${where}' has it: ${error.rawMessage}`, {
      reason: 'TERABUS_STORE_UNKNOWN',
      cause: error,
    });
  }
  if (error.reason !== 'TERABUS_NO_RESPONDERS') return error;
  return new BusError(`nobody stores for '${where}' at this moment: no stream, no leader of it, or no JetStream`, {
    reason: 'TERABUS_STREAM_UNAVAILABLE',
  });
}
