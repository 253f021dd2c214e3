import { BusError } from '@terabus/core/transport';

/** After `close`. */
export const closedError = () => new BusError('the transport is closed', { reason: 'TERABUS_CLOSED' });

/** Of a link that is down. */
export const disconnectedError = (why = 'the link to the NATS server was lost', cause?: unknown) =>
  new BusError(why, { reason: 'TERABUS_DISCONNECTED', ...(cause !== undefined && { cause }) });

/** Of a message that was on its way when its link ended. */
export const unconfirmedError = (subject: string) =>
  new BusError('the link was lost before the NATS server was known to have the message', {
    reason: 'TERABUS_UNCONFIRMED',
    details: { subject },
  });

/** Of a message that found as much waiting as may wait. */
export const overloadedError = (what: string) => new BusError(what, { reason: 'TERABUS_OVERLOADED' });
