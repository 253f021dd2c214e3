import type { Code } from '@terabus/messages';
import { BusError, isCode, isReason, reasons } from '@terabus/messages';
import { z } from 'zod';

/** What identifies the call that is answered: parts of OpenTera's JSON reply. */
export interface ReplyHead {
  readonly method: string;
  /** Echoed as digits: it may be larger than JSON's numbers are exact. */
  readonly id: bigint;
  /** The topic at which the callee was reached. */
  readonly pattern: string;
}

const head = ({ method, id, pattern }: ReplyHead): string =>
  `{"method": ${quoted(method)}, "id": ${id}, "pattern": ${quoted(pattern)}`;

/** As JSON says a text: names of methods and topics are mostly such that nothing has to be escaped. */
const quoted = (text: string): string => (/^[\w.]*$/.test(text) ? `"${text}"` : JSON.stringify(text));

/** OpenTera's reply to a call that went well. `resultJson` is JSON text. */
export const okReply = (call: ReplyHead, resultJson: string): string =>
  `${head(call)}, "status": "OK", "return_value": ${resultJson}}`;

/**
 * OpenTera's reply to a call that failed, with `error` behind it, which its Python callers don't read. An error that
 * isn't a `BusError` says no more than the id under which the callee's log has it.
 */
export function errorReply(call: ReplyHead, error: BusError): string {
  const body = {
    code: error.code,
    reason: error.reason ?? error.code,
    message: error.rawMessage,
    ...(error.details === undefined ? {} : { details: jsonDetails(error.details) }),
  };
  return `${head(call)}, "status": "Error", "return_value": null, "error": ${JSON.stringify(body)}}`;
}

function jsonDetails(details: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(details, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
  } catch {
    // A getter that throws, or a cycle: the error itself still has to reach its caller.
    return undefined;
  }
}

const replySchema = z.object({
  method: z.string().optional(),
  id: z.number().optional(),
  status: z.string(),
  return_value: z.unknown().optional(),
  error: z
    .object({
      code: z.string(),
      reason: z.string().optional(),
      message: z.string().default(''),
      details: z.record(z.string(), z.unknown()).optional().catch(undefined),
    })
    .optional()
    // Other people's replies may say it otherwise, or null: their status is what counts.
    .catch(undefined),
});

/** Whether it is what nearly all replies are, for which no schema is needed. */
const isPlainly = (given: unknown, method: string, id: number): given is { status: 'OK'; return_value?: unknown } => {
  const reply = given as z.output<typeof replySchema> | null;
  return reply?.status === 'OK' && reply.id === id && reply.method === method && reply.error === undefined;
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a reply.
 *
 * @returns the value that came back
 * @throws BusError that the callee sent; `TERABUS_RPC_FAILED` where it said only that it failed, as OpenTera's own
 * code does; `TERABUS_RPC_REPLY` when the bytes are no reply to this call.
 */
export function readReply(bytes: Uint8Array, callee: string, method: string, id: number): unknown {
  let reply: z.output<typeof replySchema>;
  try {
    const given: unknown = JSON.parse(strictUtf8.decode(bytes));
    reply = isPlainly(given, method, id) ? given : replySchema.parse(given);
  } catch (error) {
    throw badReply(callee, method, 'is not the JSON of a reply', error);
  }
  const { error } = reply;
  // A callee that couldn't read the request answers without knowing its method or id.
  const isForThisCall =
    (reply.id === undefined || reply.id === id) && (reply.method === undefined || reply.method === method);
  if (!isForThisCall && error?.reason !== 'TERABUS_RPC_REQUEST') throw badReply(callee, method, 'is to another call');
  if (reply.status === 'OK') return reply.return_value ?? null;
  if (error === undefined) {
    throw new BusError(`${callee} failed in ${method} and didn't say why`, { reason: 'TERABUS_RPC_FAILED' });
  }
  const code: Code = isCode(error.code) ? error.code : 'UNKNOWN';
  // A callee that gave no reason of its own sends the code again.
  const reason = error.reason === error.code ? undefined : error.reason;
  const { message } = error;
  // The own table wins over the wire: a callee can't give a reason of Terabus another meaning.
  throw new BusError(message, {
    code: isReason(reason) ? reasons[reason].code : code,
    reason,
    details: error.details,
  });
}

const badReply = (callee: string, method: string, why: string, cause?: unknown) =>
  new BusError(`the answer of ${callee} to ${method} ${why}`, { reason: 'TERABUS_RPC_REPLY', cause });
