/**
 * What encoding and decoding cost, beside ts-proto's codecs with the writer and reader of @bufbuild/protobuf. Contenders
 * take turns in processes of their own, so that neither's calls are among what the other is compiled for:
 * `node test/dist/bench/codec.js [rounds]`. Prints medians in nanoseconds, and how many times as fast Terabus is.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DeviceEvent, decodeTeraEvent, encodeTeraEvent, standardTypes, unpackAny } from '@terabus/messages';
import * as stock from '@terabus/messages/codec';

/** Bytes of the payload, which is one text; `event` is the envelope of 203 bytes that services send most. */
const sizes = { event: 47, '16 B': 16, '200 B': 200, '4 KB': 4_096, '64 KB': 65_536 };
type Size = keyof typeof sizes;
const topic = 'service.FileTransferService.events';
const time = 1_737_474_847.25;
const typeUrl = 'type.googleapis.com/opentera.protobuf.DeviceEvent';

interface Contender {
  encode(event: DeviceEvent): Uint8Array;
  decode(bytes: Uint8Array): DeviceEvent;
  warm(bytes: Uint8Array, name: string): void;
}

const contenders: Readonly<Record<string, Contender>> = {
  stock: {
    encode: (event) =>
      stock.TeraEvent.encode({
        $type: 'opentera.protobuf.TeraEvent',
        header: { $type: 'opentera.protobuf.TeraEvent.Header', version: 1, time, topic },
        events: [{ $type: 'google.protobuf.Any', typeUrl, value: stock.DeviceEvent.encode(event).finish() }],
      }).finish(),
    decode(bytes) {
      const [any] = stock.TeraEvent.decode(bytes).events;
      if (any?.typeUrl !== typeUrl) throw new Error('holds another type');
      return stock.DeviceEvent.decode(any.value);
    },
    warm(bytes, name) {
      const codec = Object.values(stock).find(
        (each) => typeof each === 'object' && '$type' in each && each.$type === name,
      );
      if (codec === undefined || !('decode' in codec)) return;
      (codec as { encode(message: unknown): { finish(): unknown } }).encode(codec.decode(bytes)).finish();
    },
  },
  terabus: {
    encode: (event) => encodeTeraEvent({ topic, time, events: [{ type: DeviceEvent, message: event }] }),
    decode(bytes) {
      const [any] = decodeTeraEvent(bytes).events;
      if (any === undefined) throw new Error('holds nothing');
      return unpackAny(DeviceEvent, any);
    },
    warm(bytes, name) {
      const type = standardTypes.get(name);
      if (type !== undefined) type.encode(type.decode(bytes));
    },
  },
};

const eventOf = (size: Size): DeviceEvent =>
  DeviceEvent.create({
    deviceUuid: '11111111-1111-4111-8111-111111111111',
    type: 7,
    deviceName: 'Robot 4',
    deviceStatus: 'x'.repeat(sizes[size]),
  });

/** Nanoseconds of each, as JSON: `{ "encode event": 1200 }`. */
function measure(contender: Contender): void {
  const empty = new Uint8Array(0);
  for (let turn = 0; turn < 500; turn++) for (const { $type } of standardTypes) contender.warm(empty, $type);
  const results: Record<string, number> = {};
  for (const size of Object.keys(sizes) as Size[]) {
    const event = eventOf(size);
    const bytes = contender.encode(event);
    if (contender.decode(bytes).deviceStatus !== event.deviceStatus) throw new Error('decodes to something else');
    results[`encode ${size}`] = timeOf(() => contender.encode(event).length);
    results[`decode ${size}`] = timeOf(() => contender.decode(bytes).type);
  }
  process.stdout.write(JSON.stringify(results));
}

/** The median of short runs, so that what else the machine does counts little. */
function timeOf(run: () => number): number {
  let kept = 0;
  const lap = (times: number): number => {
    const begun = process.hrtime.bigint();
    for (let turn = 0; turn < times; turn++) kept += run();
    return Number(process.hrtime.bigint() - begun) / times;
  };
  lap(2_000);
  const times = Math.max(50, Math.min(20_000, Math.round(4_000_000 / lap(1_000))));
  const laps = Array.from({ length: 21 }, () => lap(times));
  if (kept === 0) throw new Error('nothing was done');
  return median(laps);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function main(rounds: number): void {
  const all = new Map<string, Map<string, number[]>>();
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(contenders)) {
      const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--contender', name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for (const [what, nanoseconds] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
        const row = all.get(what) ?? new Map<string, number[]>();
        row.set(name, [...(row.get(name) ?? []), nanoseconds]);
        all.set(what, row);
      }
    }
  }
  const [event] = [contenders['terabus']?.encode(eventOf('event'))];
  console.log(`${rounds} rounds, medians; the event is ${event?.length} bytes; node ${process.version}`);
  for (const [what, row] of all) {
    const [theirs, ours] = [row.get('stock') ?? [], row.get('terabus') ?? []];
    const ratios = theirs.map((each, round) => each / (ours[round] ?? Number.NaN));
    const figures = [`stock ${median(theirs).toFixed(0)} ns`, `terabus ${median(ours).toFixed(0)} ns`];
    console.log(`${what.padEnd(14)} ${figures.join(', ').padEnd(36)} × ${median(ratios).toFixed(2)}`);
  }
}

const [option = '5', name = ''] = process.argv.slice(2);
const contender = contenders[name];
if (option === '--contender' && contender !== undefined) measure(contender);
else main(Math.max(1, Number(option) || 5));
