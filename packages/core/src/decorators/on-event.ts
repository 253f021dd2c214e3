import type { Message } from '@terabus/messages';
import { BusError } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Source, TypeOrFamily, Wrapper } from '../contract/contract.js';
import { isTypeOrFamily, spread } from '../contract/define-topic.js';
import type { Durability, DurableSettings } from '../contract/durable.js';
import type { DurableContext, EventContext } from '../routing/context.js';
import type { TeraService } from '../service/tera-service.js';
import { recordHandler } from './metadata.js';

/**
 * The decorator of a method that takes `(message: T, context: C)`, or less of it. The method's own type is a
 * parameter `M`, so that async and shorter methods pass and a parameter of another type does not.
 */
export type HandlerDecorator<T, C> = <M extends (message: T, context: C) => unknown>(
  target: TeraService,
  member: string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** What a handler of a topic is told: of one that is known to be durable, where the message is stored. */
export type EventContextOf<D extends Durability> = [D] extends [DurableSettings] ? DurableContext : EventContext;

/**
 * The method handles messages of this type, or family of types, from the `TeraEvent`s of a topic or pattern.
 *
 * @param source a topic, a family's `.all`, or either with delivery options from `from(…)`.
 */
export function OnEvent<P extends Message, T extends P, D extends Durability>(
  source: Source<'event', P, string, D>,
  type: TypeOrFamily<T>,
): HandlerDecorator<T, EventContextOf<D>> {
  return onMessages(source, type, 'OnEvent', 'event');
}

/** What `@OnEvent` and `@OnMessage` have in common. */
export function onMessages(source: Source, type: TypeOrFamily, decorator: string, wrapper: Wrapper) {
  return (target: object, member: string): void => {
    refuseStatic(target, member, decorator);
    refuseSource(target, member, decorator, source, [wrapper]);
    refuseType(target, member, decorator, type);
    const types = [...spread([type]).values()];
    recordHandler(target, member, {
      kind: 'messages',
      source,
      types,
      family: 'members' in type ? type.$family : undefined,
    });
  };
}

/** The compiler refuses it too; this is for JavaScript. */
export function refuseStatic(target: object, member: string, decorator: string): void {
  if (typeof target !== 'function') return;
  throw new BusError(
    `@${decorator} on ${target.name}.${member}: handlers are methods of an instance, not static ones`,
    {
      reason: 'TERABUS_HANDLER_INVALID',
    },
  );
}

/** Something that is no type, as an import that goes in a circle leaves behind. */
function refuseType(target: object, member: string, decorator: string, type: TypeOrFamily): void {
  if (isTypeOrFamily(type)) return;
  throw new BusError(
    `@${decorator} on ${target.constructor.name}.${member} takes a message type or a family of types, not ${show(type)}`,
    {
      reason: 'TERABUS_HANDLER_INVALID',
    },
  );
}

/** A source of another wrapper, or something that is no source at all. */
export function refuseSource(
  target: object,
  member: string,
  decorator: string,
  source: Source,
  wrappers: Wrapper[],
): void {
  const actual = source?.definition?.wrapper;
  if (typeof source?.pattern === 'string' && wrappers.includes(actual)) return;
  const what =
    typeof source?.pattern === 'string'
      ? `'${source.definition.template}' carries ${actual}`
      : (source as unknown as { kind?: string })?.kind === 'family'
        ? 'a family is not a topic: call it with its parameters, or take its .all'
        : 'that is no topic';
  throw new BusError(
    `@${decorator} on ${target.constructor.name}.${member} takes a topic of ${wrappers.join(' or ')}: ${what}`,
    {
      reason: 'TERABUS_HANDLER_INVALID',
    },
  );
}
