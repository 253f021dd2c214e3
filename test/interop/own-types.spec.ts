import { Any, fromJson, packAny, standardTypes, toJson, UserEvent, unpackAny } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Parcel, Parcel_Slot, Parcel_Speed, Twin } from './own-types/gen/depot.js';
import { Kind, Shelf } from './own-types/gen/stock/shelf.js';

const types = standardTypes.with(Parcel, Parcel_Slot, Twin, Shelf);
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Each with bytes and JSON made by Python protobuf from the same `.proto` files. */
const parcels: readonly [string, Parcel, string, object][] = [
  [
    'numbers of every kind',
    Parcel.create({
      weight: -0,
      volume: -0,
      floor: -1,
      barcode: -(2n ** 63n),
      count: 2 ** 32 - 1,
      total: 2n ** 64n - 1n,
    }),
    '090000000000000080 1500000080 18ffffffffffffffffff01 2080808080808080808001 28ffffffff0f 30ffffffffffffffffff01',
    {
      weight: -0,
      volume: -0,
      floor: -1,
      barcode: '-9223372036854775808',
      count: 4294967295,
      total: '18446744073709551615',
    },
  ],
  [
    'fixed and zigzag numbers',
    Parcel.create({ crc: 1, checksum: 2n, delta: -3, drift: -4n, slot: { row: -5, column: -6n } }),
    '3d01000000 410200000000000000 4dfdffffff 51fcffffffffffffff 7a040809100b',
    { crc: 1, checksum: '2', delta: -3, drift: '-4', slot: { row: -5, column: '-6' } },
  ],
  [
    'packed lists',
    Parcel.create({
      weights: [1],
      floors: [1, -1],
      rows: [-1],
      flags: [true, false],
      speeds: [Parcel_Speed.SPEED_FAST],
    }),
    'aa0108000000000000f03f ba010b01ffffffffffffffffff01 d2010101 e201020100 ea010102',
    { weights: [1], floors: [1, -1], rows: [-1], flags: [true, false], speeds: ['SPEED_FAST'] },
  ],
  ['a list that is not packed', Parcel.create({ loose: [1, 2] }), '880201 880202', { loose: [1, 2] }],
  [
    'optional fields that are set to their default',
    Parcel.create({ maybeWeight: 0, maybeLabel: '', maybeSpeed: 0, maybeBarcode: 0n }),
    'c9020000000000000000 d20200 d80200 e00200',
    { maybeWeight: 0, maybeLabel: '', maybeSpeed: 'SPEED_UNSPECIFIED', maybeBarcode: '0' },
  ],
  [
    'a message in a oneof',
    Parcel.create({ content: { $case: 'inner', value: { floor: 5 } } }),
    '9a03021805',
    { inner: { floor: 5 } },
  ],
  [
    'messages of other files and packages',
    Parcel.create({ sender: { userUuid: 'u' }, shelf: { kinds: [Kind.KIND_BOX] }, kind: Kind.KIND_BOX }),
    '8204030a0175 8a0403120101 900401',
    { sender: { userUuid: 'u' }, shelf: { kinds: ['KIND_BOX'] }, kind: 'KIND_BOX' },
  ],
  [
    'odd names, and negative enums',
    Parcel.create({ oddName2x: 'a', class: 'b', speed: Parcel_Speed.SPEED_LOST }),
    '70ffffffffffffffffff01 9a040161 a2040162',
    { speed: 'SPEED_LOST', oddName2x: 'a', class: 'b' },
  ],
];

describe("a user's own types, generated with the preset", () => {
  for (const [what, parcel, hex, json] of parcels) {
    it(`carry ${what}`, () => {
      expect(toHex(Parcel.encode(parcel))).to.equal(hex.replaceAll(' ', ''));
      expect(Parcel.decode(fromHex(hex))).to.deep.equal(parcel);
      expect(toJson(parcel, { registry: types })).to.deep.equal(json);
      expect(fromJson(Parcel, json as never)).to.deep.equal(parcel);
    });
  }

  it('read lists packed and not, in any mix', () => {
    expect(Parcel.decode(fromHex('b80105 ba01020607 b80108')).floors).to.deep.equal([5, 6, 7, 8]);
    expect(Parcel.decode(fromHex('8a02020607')).loose).to.deep.equal([6, 7]);
    expect(() => Parcel.decode(fromHex('ba01020180'))).to.throw('depot.v1.Parcel.floors: truncated');
    expect(() => Parcel.decode(fromHex('da0107 01020304050607'))).to.throw('depot.v1.Parcel.checksums: truncated');
  });

  it('merge a message that comes in parts, also in a oneof', () => {
    expect(Parcel.decode(fromHex('ea03021805 ea03022807')).child).to.deep.include({ floor: 5, count: 7 });
    const merged = Parcel.decode(fromHex('9a03021805 9a03022807'));
    expect(merged.content?.value).to.deep.include({ floor: 5, count: 7 });
    const replaced = Parcel.decode(fromHex('9a03021805 aa030178 9a03022807'));
    expect(replaced.content?.value).to.deep.include({ floor: 0, count: 7 });
  });

  it('nest to 100 levels, as in Python, and no deeper', () => {
    const nested = (levels: number): Parcel => {
      let parcel = Parcel.create();
      for (let level = 0; level < levels; level++) parcel = { ...Parcel.create(), child: parcel };
      return parcel;
    };
    const deep = nested(100);
    expect(Parcel.decode(Parcel.encode(deep))).to.deep.equal(deep);
    expect(() => Parcel.encode(nested(101)))
      .to.throw()
      .with.property('reason', 'TERABUS_MESSAGE_INVALID');
    const bytes = Parcel.encode(deep);
    const deeper = Uint8Array.of(0xea, 0x03, (bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes);
    expect(() => Parcel.decode(deeper))
      .to.throw()
      .with.property('reason', 'TERABUS_MESSAGE_UNDECODABLE');
  });

  it('hold packed numbers in proportion to their bytes', () => {
    const samples = Parcel.create({ weights: Array.from({ length: 50_000 }, () => 1.5) });
    expect(Parcel.decode(Parcel.encode(samples)).weights).to.have.length(50_000);
    const flags = Parcel.encode(Parcel.create({ flags: Array.from({ length: 50_000 }, () => true) }));
    expect(() => Parcel.decode(flags))
      .to.throw()
      .with.property('reason', 'TERABUS_MESSAGE_OUT_OF_PROPORTION');
  });

  it('travel in an Any, beside types of one shape', () => {
    const slot = Parcel_Slot.create({ row: 1 });
    expect(types.unpackAny(types.packAny(slot))).to.deep.equal(slot);
    expect(() => unpackAny(Twin, packAny(Parcel_Slot, slot))).to.throw('TERABUS_TYPE_MISMATCH');
    const parcel = Parcel.create({ attachment: packAny(UserEvent, UserEvent.create()), attachments: [Any.create()] });
    const json = toJson(parcel, { registry: types });
    expect(json).to.deep.equal({
      attachment: { '@type': 'type.googleapis.com/opentera.protobuf.UserEvent' },
      attachments: [{}],
    });
    expect(fromJson(Parcel, json)).to.deep.equal(parcel);
  });
});

// The compiler's part: types of one shape are apart.
export function refusedByTheCompiler(slot: Parcel_Slot): void {
  // @ts-expect-error: a slot is no twin, although it has the same fields
  Twin.encode(slot);
}
