import {
  BusError,
  decodeModuleMessage,
  decodeTeraEvent,
  encodeModuleMessage,
  encodeTeraEvent,
  type Message,
  type MessageType,
  standardTypes,
  TeraEvent,
  TeraModuleMessage,
} from '@terabus/messages';
import * as standardCodecs from '@terabus/messages/codec';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import * as depotCodecs from './own-types/gen/depot.codec.js';
import { Parcel, Parcel_Slot, Twin } from './own-types/gen/depot.js';
import * as shelfCodecs from './own-types/gen/stock/shelf.codec.js';
import { Shelf } from './own-types/gen/stock/shelf.js';
import { randomMessage, randomText } from './support/random-message.js';
import { Refusal, strictlyRead } from './support/strict-reader.js';

/** TERABUS_FUZZ_SEED runs other messages, TERABUS_FUZZ_RUNS more of them. */
const { TERABUS_FUZZ_SEED, TERABUS_FUZZ_RUNS } = process.env;
const seed = Number(TERABUS_FUZZ_SEED ?? 20_000);
const numRuns = Number(TERABUS_FUZZ_RUNS ?? 2_000);
const types: readonly MessageType[] = [...standardTypes.with(Parcel, Parcel_Slot, Twin, Shelf)];

interface StockCodec {
  readonly $type: string;
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

const isCodec = (value: unknown): value is StockCodec =>
  typeof value === 'object' && value !== null && '$type' in value;
const codecs = new Map(
  [standardCodecs, depotCodecs, shelfCodecs]
    .flatMap((all): unknown[] => Object.values(all))
    .filter(isCodec)
    .map((codec) => [codec.$type, codec]),
);

/** What ts-proto generated for a type, with the writer and the reader of @bufbuild/protobuf. */
function stockOf({ $type }: MessageType): StockCodec {
  const codec = codecs.get($type);
  if (codec === undefined) throw new Error(`nothing was generated for ${$type}`);
  return codec;
}

const stockBytes = (type: MessageType, message: Message): Uint8Array =>
  Uint8Array.from(stockOf(type).encode(message).finish());

function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  // Thousands of bytes are compared as one text: chai looks at each by itself.
  expect(Buffer.from(actual).toString('latin1')).to.equal(Buffer.from(expected).toString('latin1'));
}

const expectStockBytes = (type: MessageType, message: Message): void =>
  expectSameBytes(type.encode(message), stockBytes(type, message));

const anyType = fc.constantFrom(...types);
const typeAndMessage = anyType.chain((type) => randomMessage(type).map((message) => ({ type, message })));

/** What comes of it, as far as two decoders must agree. */
function outcome(run: () => Message): Message | string | undefined {
  try {
    return run();
  } catch (error) {
    if (BusError.is(error) || error instanceof Refusal) return error.reason;
    throw error;
  }
}

/** All functions that decode bytes of a type. */
function decodersOf(type: MessageType): readonly ((bytes: Uint8Array) => Message)[] {
  const decoders = [type.decode];
  if (type.$type === TeraEvent.$type) {
    decoders.push(decodeTeraEvent, (bytes) => decodeTeraEvent(bytes, { copy: false }));
  } else if (type.$type === TeraModuleMessage.$type) {
    decoders.push(decodeModuleMessage, (bytes) => decodeModuleMessage(bytes, { copy: false }));
  }
  return decoders;
}

function expectSameOutcome(type: MessageType, bytes: Uint8Array): void {
  const expected = outcome(() => strictlyRead(type, bytes));
  for (const decode of decodersOf(type)) expect(outcome(() => decode(bytes))).to.deep.equal(expected);
}

describe(`encode, beside ts-proto's codecs with the stock writer (TERABUS_FUZZ_SEED=${seed})`, function () {
  this.timeout(30_000);

  it('has the same bytes for random messages of every type', () => {
    fc.assert(
      fc.property(typeAndMessage, ({ type, message }) => {
        expectStockBytes(type, message);
      }),
      { seed, numRuns },
    );
  });

  it('has the same bytes for envelopes that are written in one pass', () => {
    const time = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1 });
    const version = fc.constantFrom(undefined, 0, 1, 300);
    const items = fc.array(typeAndMessage, { maxLength: 4 });
    fc.assert(
      fc.property(items, time, version, fc.nat(), randomText, randomText, (all, when, number, seq, source, dest) => {
        const packables = all.map(({ type, message }) => ({ type, message }));
        const anys = all.map(({ type, message }) => ({
          $type: 'google.protobuf.Any' as const,
          typeUrl: `type.googleapis.com/${type.$type}`,
          value: stockBytes(type, message),
        }));
        const event = TeraEvent.create({ header: { version: number ?? 1, time: when, topic: dest }, events: anys });
        const parts = { topic: dest, time: when, version: number };
        expectSameBytes(encodeTeraEvent({ ...parts, events: packables }), stockBytes(TeraEvent, event));
        expectSameBytes(encodeTeraEvent({ ...parts, events: anys }), stockBytes(TeraEvent, event));
        const head = { source, dest, seq, time: when, version: number };
        const stock = TeraModuleMessage.create({ head: { ...head, version: number ?? 1 }, data: anys });
        expectSameBytes(encodeModuleMessage({ ...head, data: packables }), stockBytes(TeraModuleMessage, stock));
      }),
      { seed, numRuns: numRuns / 4 },
    );
  });

  it('has the same bytes where lengths take one byte more, and where its memory grows', () => {
    const borders = [20, 64, 96, 127, 256, 512, 2_047, 8_191, 16_383, 65_535, 2 ** 18];
    for (const border of borders) {
      for (let size = border - 4; size <= border + 4; size++) {
        for (const [unit, width] of [
          ['x', 1],
          ['é', 2],
          ['€', 3],
          ['🩺', 4],
        ] as const) {
          const label = unit.repeat(size / width) + 'x'.repeat(size % width);
          const child = Parcel.create({ label, content: { $case: 'note', value: label } });
          expectStockBytes(Parcel, Parcel.create({ child, label: 'behind', labels: [label] }));
        }
        expectStockBytes(
          Parcel,
          Parcel.create({ photo: new Uint8Array(size).fill(200), floors: Array(size % 5_000).fill(-1) }),
        );
      }
    }
  });

  it('refuses text with a lone surrogate, wherever it is', () => {
    fc.assert(
      fc.property(randomText, fc.constantFrom('\ud800', '\udfff'), randomText, (before, surrogate, behind) => {
        const label = `${before}${surrogate}x${behind}`;
        for (const parcel of [{ label }, { labels: ['', label] }, { child: { label } }]) {
          expect(outcome(() => Parcel.decode(Parcel.encode(Parcel.create(parcel))))).to.equal(
            'TERABUS_MESSAGE_INVALID',
          );
        }
      }),
      { seed, numRuns: numRuns / 10 },
    );
  });
});

describe(`decode (TERABUS_FUZZ_SEED=${seed})`, function () {
  this.timeout(30_000);

  it('has the same values as the stock reader for what the stock writer wrote', () => {
    fc.assert(
      fc.property(typeAndMessage, ({ type, message }) => {
        const bytes = stockBytes(type, message);
        const expected = stockOf(type).decode(bytes);
        for (const decode of decodersOf(type)) expect(decode(bytes)).to.deep.equal(expected);
      }),
      { seed, numRuns },
    );
  });

  it('takes and refuses what a reader does that was written to be read, of every cut of a message', () => {
    fc.assert(
      fc.property(typeAndMessage, ({ type, message }) => {
        const bytes = stockBytes(type, message).subarray(0, 200);
        for (let length = 0; length <= bytes.length; length++) expectSameOutcome(type, bytes.slice(0, length));
      }),
      { seed, numRuns: numRuns / 40 },
    );
  });

  it('and of messages that were damaged, or joined to others', () => {
    const step = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)), fc.nat(4));
    fc.assert(
      fc.property(
        typeAndMessage,
        anyType.chain(randomMessage),
        fc.array(step, { maxLength: 4 }),
        (one, other, steps) => {
          const { type, message } = one;
          let bytes = [...stockBytes(type, message)];
          for (const [position, byte, kind] of steps) {
            const at = position % (bytes.length + 1);
            if (kind === 0) bytes[at] = byte;
            else if (kind === 1) bytes.splice(at, 1);
            else if (kind === 2) bytes.splice(at, 0, byte);
            else if (kind === 3) bytes = bytes.slice(0, at);
            else
              bytes.push(
                ...stockOf(other as unknown as MessageType)
                  .encode(other)
                  .finish(),
              );
          }
          expectSameOutcome(type, Uint8Array.from(bytes));
        },
      ),
      { seed, numRuns: 2 * numRuns },
    );
  });

  it('and of one message in several parts', () => {
    const parts = anyType.chain((type) =>
      fc.array(randomMessage(type), { minLength: 2, maxLength: 4 }).map((messages) => ({ type, messages })),
    );
    fc.assert(
      fc.property(parts, ({ type, messages }) => {
        expectSameOutcome(type, Uint8Array.from(messages.flatMap((message) => [...stockBytes(type, message)])));
      }),
      { seed, numRuns },
    );
  });

  it('and of bytes at random', () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 40 }), (type, bytes) => expectSameOutcome(type, bytes)),
      { seed, numRuns: 2 * numRuns },
    );
  });
});
