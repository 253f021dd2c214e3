/**
 * What encoding and decoding cost, beside ts-proto's codecs with the writer and reader of @bufbuild/protobuf. Contenders
 * take turns in processes of their own, so that neither's calls are among what the other is compiled for:
 * `node test/dist/bench/codec.js [rounds] [sizes]`, as in `5 event,64KB`. Prints medians in nanoseconds, and how many times
 * as fast Terabus is. The stock reader never copies bytes; `view` decodes without copying them too.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Any, DeviceEvent, decodeTeraEvent, encodeTeraEvent, standardTypes, unpackAny } from '@terabus/messages';
import * as stock from '@terabus/messages/codec';

/** Bytes of the payload, which is one text; `event` is the envelope of 203 bytes that services send most. */
const sizes = { event: 47, '16B': 16, '200B': 200, '4KB': 4_096, '64KB': 65_536 };
type Size = keyof typeof sizes;
const topic = 'service.FileTransferService.events';
const time = 1_737_474_847.25;
const typeUrl = 'type.googleapis.com/opentera.protobuf.DeviceEvent';

interface Contender {
  encode(event: DeviceEvent): Uint8Array;
  decode(bytes: Uint8Array): DeviceEvent;
  view(bytes: Uint8Array): DeviceEvent;
  warm(bytes: Uint8Array, name: string): void;
}

function unpacked(events: readonly Any[]): DeviceEvent {
  const [any] = events;
  if (any === undefined) throw new Error('holds nothing');
  return unpackAny(DeviceEvent, any);
}

function stockDecode(bytes: Uint8Array): DeviceEvent {
  const [any] = stock.TeraEvent.decode(bytes).events;
  if (any?.typeUrl !== typeUrl) throw new Error('holds another type');
  return stock.DeviceEvent.decode(any.value);
}

const contenders: Readonly<Record<string, Contender>> = {
  stock: {
    encode: (event) =>
      stock.TeraEvent.encode({
        $type: 'opentera.protobuf.TeraEvent',
        header: { $type: 'opentera.protobuf.TeraEvent.Header', version: 1, time, topic },
        events: [{ $type: 'google.protobuf.Any', typeUrl, value: stock.DeviceEvent.encode(event).finish() }],
      }).finish(),
    decode: stockDecode,
    view: stockDecode,
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
    decode: (bytes) => unpacked(decodeTeraEvent(bytes).events),
    view: (bytes) => unpacked(decodeTeraEvent(bytes, { copy: false }).events),
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
function measure(contender: Contender, chosen: readonly Size[]): void {
  const empty = new Uint8Array(0);
  for (let turn = 0; turn < 500; turn++) for (const { $type } of standardTypes) contender.warm(empty, $type);
  const results: Record<string, number> = {};
  for (const size of chosen) {
    const event = eventOf(size);
    const bytes = contender.encode(event);
    if (contender.decode(bytes).deviceStatus !== event.deviceStatus) throw new Error('decodes to something else');
    results[`encode ${size}`] = timeOf(() => contender.encode(event).length);
    results[`decode ${size}`] = timeOf(() => contender.decode(bytes).type);
    results[`view   ${size}`] = timeOf(() => contender.view(bytes).type);
  }
  process.stdout.write(JSON.stringify(results));
}

/** So long does it take until what is measured is compiled, on a machine that has other things to do. */
const warmUpMs = 250;

/** The median of short runs, so that what else the machine does counts little. */
function timeOf(run: () => number): number {
  let kept = 0;
  const lap = (times: number): number => {
    const begun = process.hrtime.bigint();
    for (let turn = 0; turn < times; turn++) kept += run();
    return Number(process.hrtime.bigint() - begun) / times;
  };
  const warm = performance.now() + warmUpMs;
  while (performance.now() < warm) lap(100);
  const times = Math.max(50, Math.min(5_000, Math.round(2_000_000 / lap(1_000))));
  const laps = Array.from({ length: 51 }, () => lap(times));
  if (kept === 0) throw new Error('nothing was done');
  return median(laps);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function main(rounds: number, chosen: readonly Size[]): void {
  const all = new Map<string, Map<string, number[]>>();
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(contenders)) {
      const command = [fileURLToPath(import.meta.url), '--contender', name, chosen.join()];
      const { stdout } = spawnSync(process.execPath, command, {
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

const isSize = (name: string): name is Size => name in sizes;

const [first = '5', ...rest] = process.argv.slice(2);
const chosen = (rest.at(-1) ?? Object.keys(sizes).join()).split(',').filter(isSize);
const contender = contenders[rest[0] ?? ''];
if (first === '--contender' && contender !== undefined) measure(contender, chosen);
else main(Math.max(1, Number(first) || 5), chosen);
