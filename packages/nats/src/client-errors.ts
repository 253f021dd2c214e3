import { BusError } from '@terabus/core/transport';
import { disconnectedError } from './errors.js';

/** What servers say when they end a login, at its start or later. */
const LOGIN_COMPLAINT =
  /authorization violation|(?:user|account) authentication (?:expired|revoked)|authentication timeout|bad credentials/i;

/** The same in the client's codes. */
const LOGIN_CODES: ReadonlySet<unknown> = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'AUTHENTICATION_TIMEOUT',
  'ACCOUNT_EXPIRED',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
]);

/** What the client says when a link has ended, and nothing about why. */
const END_CODES: ReadonlySet<unknown> = new Set(['CONNECTION_CLOSED', 'DISCONNECT']);

/** The client's errors in our words. Their messages name addresses, files and subjects, never credentials. */
export function translated(error: unknown): BusError {
  if (BusError.is(error)) return error;
  const { code, message } = error as { code?: string; message?: string };
  const said = message || code || 'unknown error';
  // Not the error itself: what it carries along may one day be the client with its options, and their secrets.
  const cause = new Error(code === undefined || said.includes(code) ? said : `${code}: ${said}`);
  if (LOGIN_CODES.has(code) || LOGIN_COMPLAINT.test(said)) {
    return new BusError(`the NATS server does not let this client in: ${said}`, {
      reason: 'TERABUS_NATS_UNAUTHENTICATED',
      cause,
    });
  }
  if (code === 'SERVER_OPT_NA') {
    return new BusError(`the NATS server does not offer ${said}`, { reason: 'TERABUS_NATS_ERROR', cause });
  }
  if (END_CODES.has(code)) return disconnectedError(undefined, cause);
  return new BusError(`NATS: ${said}`, { reason: 'TERABUS_NATS_ERROR', cause });
}

/** What a server complained of on a link, in its own words. */
export const complaint = (text: string) => translated(new Error(`the server said ${text}`));
