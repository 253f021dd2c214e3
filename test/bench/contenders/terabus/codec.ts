import { DeviceEvent, decodeTeraEvent, encodeTeraEvent, unpackAny } from '@terabus/messages';
import type { Codec } from '../../process/contender.js';
import { contents, numberOf, topicName } from '../../process/content.js';
import { messageOf } from './message-of.js';

/** By the public functions of `@terabus/messages`, as core calls them. Without copies of bytes: the stock reader makes none either. */
export const codec: Codec = ({ payload }) => {
  const content = contents(payload);
  const topic = topicName(0);
  return {
    encode(n) {
      const event = messageOf(content(n));
      return encodeTeraEvent({ topic, time: Date.now() / 1_000, events: [{ type: DeviceEvent, message: event }] });
    },
    decode(bytes) {
      const [event] = decodeTeraEvent(bytes, { copy: false }).events;
      return event === undefined ? -1 : numberOf(unpackAny(DeviceEvent, event).deviceName);
    },
  };
};
