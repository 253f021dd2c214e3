import { BusError } from '@terabus/messages';
import { type Logger, stdSerializers, symbols } from 'pino';

type Serializer = (error: Error) => unknown;

/**
 * The `err` serializer of a logger, made safe. What a handler threw is the cause of the error that is logged, and may be
 * hostile: a proxy, a getter that throws. A line of log must not cost the next message its turn.
 */
export function errorSerializer(logger: Logger): Serializer {
  const own = (logger as { readonly [symbols.serializersSym]?: { readonly err?: Serializer } })[symbols.serializersSym];
  const serialize = own?.err ?? stdSerializers.err;
  return (error) => {
    try {
      return serialize(error);
    } catch {
      return BusError.from(error).toJSON();
    }
  };
}
