// What stands among the problems of a connection when a stream is not as it should be. Whoever sees it adds it, and
// whoever sees that it is mended solves it: intakes and expectations see the same consumers.
import { BusError } from '@terabus/core/transport';
import { bucketCalled, consumerCalled, streamCalled } from './names.js';

/** In front of the keys of problems: something is not there, is not as planned, or nobody answers for it. */
export const MISSING = 'store missing ';
export const DRIFT = 'store drift ';
export const SILENT = 'store silent ';

const missing = (called: string) => `there is no ${called}: provision it`;

export const streamMissing = (stream: string) =>
  new BusError(missing(streamCalled(stream)), { reason: 'TERABUS_STREAM_MISSING', details: { stream } });

export const consumerMissing = (stream: string, consumer: string) =>
  new BusError(missing(consumerCalled(stream, consumer)), {
    reason: 'TERABUS_CONSUMER_MISSING',
    details: { stream, consumer },
  });

export const bucketMissing = (bucket: string) =>
  new BusError(missing(bucketCalled(bucket)), { reason: 'TERABUS_BUCKET_MISSING', details: { bucket } });

export const silent = (called: string, cause: BusError) =>
  new BusError(`nobody answers for ${called}: ${cause.rawMessage}`, { reason: 'TERABUS_STREAM_UNAVAILABLE', cause });
