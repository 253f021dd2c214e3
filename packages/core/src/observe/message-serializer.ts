import { type Message, type MessageType, standardTypes, TypeRegistry, toJson } from '@terabus/messages';
import type { ServicePlan } from '../contract/contract-of.js';

/**
 * How the loggers of services print what is logged as `message`: as the JSON of protobuf, without `$type`.
 * What isn't a message, or can't be printed, is left as it is: a log line must not fail.
 *
 * ```ts
 * this.logger.info({ message: event }, 'a device is back');
 * ```
 */
export function messageSerializer(types: Iterable<MessageType>): (value: unknown) => unknown {
  const registry = new TypeRegistry(new Set([...standardTypes, ...types]));
  return (value) => {
    if (typeof (value as Message | null)?.$type !== 'string') return value;
    try {
      return toJson(value as Message, { registry });
    } catch {
      return value;
    }
  };
}

/** The message types that a service knows by its contract, its handlers and its `uses`. */
export function typesOf({ contract, uses, groups }: ServicePlan): MessageType[] {
  const own = [contract.events, contract.messages] as (Parameters<typeof hasTypes>[0] | undefined)[];
  const used = uses.flatMap((each) => ('definition' in each ? [each] : 'messages' in each ? [each.messages] : []));
  return [...own, ...used, ...groups]
    .filter((each): each is { definition: { types: ReadonlyMap<string, MessageType> } } => hasTypes(each))
    .flatMap(({ definition }) => [...definition.types.values()]);
}

const hasTypes = (value: unknown): boolean =>
  (value as { definition?: { types?: unknown } })?.definition?.types instanceof Map;
