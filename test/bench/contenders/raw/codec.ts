import type { Codec } from '../../process/contender.js';
import { type Content, contents, numberOf, topicName } from '../../process/content.js';
import { DeviceEvent } from '../../stock/gen/DeviceEvent.js';
import { TeraEvent } from '../../stock/gen/TeraEvent.js';

const TYPE_URL = 'type.googleapis.com/opentera.protobuf.DeviceEvent';

/** An event in an Any, by stock code. */
export const packed = (content: Content) => ({ typeUrl: TYPE_URL, value: DeviceEvent.encode(content).finish() });

/** The bytes of an envelope, by stock code. */
export function encodeEnvelope(topic: string, events: readonly Content[]): Uint8Array {
  return TeraEvent.encode({
    header: { version: 1, time: Date.now() / 1_000, topic },
    events: events.map(packed),
  }).finish();
}

/** Decodes what is in an Any, and gives the number of the event. */
export function numberIn({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }): number {
  if (typeUrl !== TYPE_URL) throw new Error(`${typeUrl} is none of the bench's types`);
  return numberOf(DeviceEvent.decode(value).deviceName);
}

/** Gives `take` the number of each event in an envelope. */
export function takeEvents(bytes: Uint8Array, take: (n: number) => void): void {
  for (const event of TeraEvent.decode(bytes).events) take(numberIn(event));
}

export const codec: Codec = ({ payload }) => {
  const content = contents(payload);
  const topic = topicName(0);
  return {
    encode: (n) => encodeEnvelope(topic, [content(n)]),
    decode(bytes) {
      const [event] = TeraEvent.decode(bytes).events;
      return event === undefined ? -1 : numberIn(event);
    },
  };
};
