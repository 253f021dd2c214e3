import type { Source } from '../contract/contract.js';
import type { Durability } from '../contract/durable.js';
import { recordHandler } from './metadata.js';
import type { EventContextOf, HandlerDecorator } from './on-event.js';
import { refuseSource, refuseStatic } from './on-event.js';

/**
 * The method handles what travels on a topic of plain text or bytes, such as OpenTera's `webrtc.<key>`, on which a
 * signalling process says `Ready!`.
 */
export function OnPayload<W extends 'text' | 'bytes', P extends string | Uint8Array, D extends Durability>(
  source: Source<W, P, string, D>,
): HandlerDecorator<P, EventContextOf<D>> {
  return (target: object, member: string): void => {
    refuseStatic(target, member, 'OnPayload');
    refuseSource(target, member, 'OnPayload', source, ['text', 'bytes']);
    recordHandler(target, member, { kind: 'payload', source });
  };
}
