import type { Message } from '@terabus/messages';
import type { Source, TypeOrFamily } from '../contract/contract.js';
import type { Durability, DurableSettings } from '../contract/durable.js';
import type { DurableTrackedContext, TrackedContext } from '../routing/context.js';
import type { HandlerDecorator } from './on-event.js';
import { onMessages } from './on-event.js';

/**
 * The method handles messages of this type, or family of types, from the `TeraModuleMessage`s of a mailbox (or any
 * topic that carries them). Its context tells the sender and whether messages of that sender were lost before.
 */
export function OnMessage<P extends Message, T extends P, D extends Durability>(
  source: Source<'module-message', P, string, D>,
  type: TypeOrFamily<T>,
): HandlerDecorator<T, [D] extends [DurableSettings] ? DurableTrackedContext : TrackedContext> {
  return onMessages(source, type, 'OnMessage', 'module-message');
}
