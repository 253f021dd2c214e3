import type { Payload } from '../cases/case.js';

/** What an event says, the same for all contenders. */
export interface Content {
  readonly deviceUuid: string;
  readonly type: number;
  readonly deviceName: string;
  readonly deviceStatus: string;
}

/** Over so many devices the events go, one after another: as many keys. */
export const DEVICES = 64;

const NAME = 'Scale ';
const STATUS_CHANGED = 7;

/**
 * How long the status is. With 16 B the message is the device's name alone; with 200 B the envelope of one event has 203
 * bytes; with more the message has so many. What else it has takes 58 bytes, 2 or 4 more where its length takes them.
 */
const statusLength: Record<Exclude<Payload, '16 B'>, number> = {
  '200 B': 54,
  '1 KB': 1_024 - 59,
  '4 KB': 4_096 - 59,
  '16 KB': 16_384 - 59,
  '64 KB': 65_536 - 60,
};

/** Bytes of an event of this size, more or less: for the window. */
export const bytesOf = (payload: Payload): number => (payload === '16 B' ? 16 : statusLength[payload] + 58);

/** Makes event number `n`. The number is in the device's name, so that it is seen which ones arrive. */
export function contents(payload: Payload): (n: number) => Content {
  if (payload === '16 B') return (n) => ({ deviceUuid: '', type: 0, deviceName: nameOf(n), deviceStatus: '' });
  const uuids = Array.from({ length: DEVICES }, (_, device) => {
    const digits = String(device).padStart(12, '0');
    return `33333333-3333-4333-8333-${digits}`;
  });
  const [begin, end] = ['{"status":"{', '}","timestamp":1795394928.25}'];
  const filler = '\\"battery\\":80,'.repeat(5_000).slice(0, statusLength[payload] - begin.length - end.length);
  const deviceStatus = begin + filler + end;
  return (n) => ({
    deviceUuid: uuids[n % DEVICES] ?? '',
    type: STATUS_CHANGED,
    deviceName: nameOf(n),
    deviceStatus,
  });
}

const nameOf = (n: number) => NAME + String(n).padStart(8, '0');

/** The number of the event whose device has this name. */
export const numberOf = (deviceName: string): number => Number(deviceName.slice(NAME.length));

/** The names of the topics, all equally long. */
export const topicName = (topic: number): string => `bench.events.${topicToken(topic)}`;
export const topicToken = (topic: number): string => String(topic).padStart(7, '0');

const TYPE = 'opentera.protobuf.DeviceEvent';

/** What an envelope with one event says, as a plain object: for those that write no protobuf. */
export const plainEnvelope = (topic: string, content: Content) => ({
  header: { version: 1, time: Date.now() / 1_000, topic },
  events: [{ type: TYPE, value: content }],
});

/** Gives `take` the number of each event in such an envelope. */
export function takePlain({ events }: ReturnType<typeof plainEnvelope>, take: (n: number) => void): void {
  for (const { type, value } of events) {
    if (type !== TYPE) throw new Error(`${type} is none of the bench's types`);
    take(numberOf(value.deviceName));
  }
}
