import { BusError } from '@terabus/messages';

/** Where a message was stored first, and which of its contents is meant: what its ids are derived from. */
export interface Origin {
  readonly stream: string;
  readonly sequence: number;
  /** The place in its envelope, from 0; undefined for the message as a whole. */
  readonly index: number | undefined;
}

/** `<stream>/<sequence>/<index>`: the stream percent-encoded, `-` for the whole. Printable ASCII without spaces. */
export const formatOrigin = ({ stream, sequence, index }: Origin): string =>
  `${encodeURIComponent(stream)}/${sequence}/${index ?? '-'}`;

const ORIGIN = /^([^/]+)\/([1-9]\d{0,15})\/(-|\d{1,9})$/;

/** @throws BusError `TERABUS_MESSAGE_MISPLACED` */
export function parseOrigin(text: string | undefined): Origin {
  const [, stream, sequence, index] = ORIGIN.exec(text ?? '') ?? [];
  try {
    if (stream !== undefined) {
      return {
        stream: decodeURIComponent(stream),
        sequence: Number(sequence),
        index: index === '-' ? undefined : Number(index),
      };
    }
  } catch {
    // An escape that is none.
  }
  throw new BusError('what is tried again does not say where it comes from', { reason: 'TERABUS_MESSAGE_MISPLACED' });
}
