import { performance } from 'node:perf_hooks';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { BusError } from '../errors/bus-error.js';
import { JoinSessionEvent } from '../gen/JoinSessionEvent.js';
import { TeraEvent } from '../gen/TeraEvent.js';
import { fromJson } from '../json/from-json.js';
import type { JsonValue } from '../json/json-value.js';
import { toJson } from '../json/to-json.js';
import { Any, packAny } from '../types/any.js';
import type { Message, MessageType } from '../types/message-type.js';
import { standardTypes } from '../types/standard-types.js';

/** TERABUS_FUZZ_SEED repeats a run, TERABUS_FUZZ_RUNS makes it longer; fast-check prints the seed of a failure. */
const { TERABUS_FUZZ_SEED, TERABUS_FUZZ_RUNS } = process.env;
const seed = Number(TERABUS_FUZZ_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(TERABUS_FUZZ_RUNS ?? 2_000);

const anyType = fc.constantFrom(...standardTypes);
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('\ufeff', '\0', 'é', '🩺'));

/** A message of this type with values from everywhere in their range. */
function messageOf(type: MessageType, depth = 0): fc.Arbitrary<Message> {
  const properties: Record<string, fc.Arbitrary<unknown>> = {};
  const oneofs = new Map<string, fc.Arbitrary<unknown>[]>();
  for (const field of type.fields) {
    let value: fc.Arbitrary<unknown> = fc.constant(undefined);
    if (field.kind === 'message' && depth < 3) value = messageOf(field.message(), depth + 1);
    else if (field.kind !== 'message') value = scalars[field.kind] ?? fc.constant(undefined);
    if (field.oneof !== undefined) {
      const member = value.map((inner) => ({ $case: field.jsonName, value: inner }));
      oneofs.set(field.oneof, [...(oneofs.get(field.oneof) ?? [fc.constant(undefined)]), member]);
    } else if (field.repeated) {
      const list = fc.array(value, { maxLength: 3 });
      properties[field.jsonName] = list.map((items) => items.filter((item) => item !== undefined));
    } else {
      properties[field.jsonName] = fc.option(value, { nil: undefined });
    }
  }
  for (const [name, members] of oneofs) properties[name] = fc.oneof(...members);
  return fc.record(properties).map((partial) => type.create(partial));
}

const scalars: Partial<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ maxLength: 12 }),
  double: fc.double(),
  float: fc.float(),
  bool: fc.boolean(),
  enum: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer()),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  uint32: fc.nat({ max: 2 ** 32 - 1 }),
};

const typeAndMessage = anyType.chain((type) => messageOf(type).map((message) => ({ type, message })));

/** Runs what may refuse, and lets nothing but a BusError out. */
function orRefuse<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (BusError.is(error)) return undefined;
    throw error;
  }
}

describe(`hostile bytes (TERABUS_FUZZ_SEED=${seed})`, function () {
  this.timeout(30_000);

  it('random messages go through bytes and JSON unchanged', () => {
    fc.assert(
      fc.property(typeAndMessage, ({ type, message }) => {
        const bytes = type.encode(message);
        const decoded = type.decode(bytes);
        expect(decoded).to.deep.equal(message);
        // An Any with arbitrary content can't be expanded; everything else has JSON.
        const json = orRefuse(() => toJson(decoded));
        if (json !== undefined) expect(type.encode(fromJson(type, json))).to.deep.equal(bytes);
        const wire = JSON.parse(JSON.stringify(json ?? {})) as JsonValue;
        expect(JSON.stringify(wire)).not.to.contain('$type');
      }),
      { seed, numRuns: numRuns / 2 },
    );
  });

  it('random bytes are decoded or refused', () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 64 }), (type, bytes) => {
        const message = orRefuse(() => type.decode(bytes));
        if (message !== undefined) expect(type.decode(type.encode(message))).to.deep.equal(message);
      }),
      { seed, numRuns },
    );
  });

  it('damaged messages are decoded or refused', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(typeAndMessage, damage, ({ type, message }, steps) => {
        let bytes = [...type.encode(message)];
        for (const [position, byte, kind] of steps) {
          const at = position % (bytes.length + 1);
          if (kind === 0) bytes[at] = byte;
          else if (kind === 1) bytes.splice(at, 1);
          else if (kind === 2) bytes.splice(at, 0, byte);
          else bytes = bytes.slice(0, at);
        }
        const decoded = orRefuse(() => type.decode(Uint8Array.from(bytes)));
        if (decoded === undefined) return;
        expect(type.decode(type.encode(decoded))).to.deep.equal(decoded);
        orRefuse(() => toJson(decoded));
      }),
      { seed, numRuns },
    );
  });

  it('random JSON is read or refused', () => {
    const key = fc.constantFrom('userUuid', 'type', 'header', 'events', '@type', 'value', '__proto__', 'constructor');
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<JsonValue>(null, true, 1, -0, 1.5, '', 'x', 't/google.protobuf.Any'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(anyType, json, (type, value) => {
        const message = orRefuse(() => fromJson(type, value));
        if (message !== undefined) type.encode(message);
        expect(Object.hasOwn(Object.prototype, 'userUuid')).to.equal(false);
      }),
      { seed, numRuns },
    );
  });

  it('10,000 levels of groups, and as many Anys in Anys, are refused', () => {
    const groups = new Uint8Array(20_000).fill(0x7b, 0, 10_000).fill(0x7c, 10_000);
    expect(() => TeraEvent.decode(groups)).to.throw('nested over 100 levels');
    let any = Any.create();
    for (let level = 0; level < 2_000; level++) any = packAny(Any, any);
    expect(() => toJson(any))
      .to.throw('nested over 100 levels')
      .with.property('reason', 'TERABUS_MESSAGE_INVALID');
    let json: JsonValue = {};
    for (let level = 0; level < 10_000; level++) json = { '@type': 't/google.protobuf.Any', value: json };
    expect(() => fromJson(Any, json))
      .to.throw('nested over 100 levels')
      .with.property('reason', 'TERABUS_JSON_INVALID');
  });

  it('a megabyte of empty elements is refused before it takes memory or time', () => {
    const megabyte = 2 ** 20;
    const events = new Uint8Array(megabyte).map((_, index) => (index % 2 === 0 ? 0x12 : 0));
    const names = new Uint8Array(megabyte).map((_, index) => (index % 2 === 0 ? 0x22 : 0));
    for (const [type, bytes] of [
      [TeraEvent, events],
      [JoinSessionEvent, names],
    ] as const) {
      const heap = process.memoryUsage().heapUsed;
      const start = performance.now();
      expect(() => type.decode(bytes))
        .to.throw()
        .with.property('reason', 'TERABUS_MESSAGE_OUT_OF_PROPORTION');
      expect(performance.now() - start).to.be.below(2_000);
      expect(process.memoryUsage().heapUsed - heap).to.be.below(16 * megabyte);
    }
  });

  it('many elements that are worth their bytes are decoded', () => {
    const uuid = '11111111-1111-4111-8111-111111111111';
    const many = JoinSessionEvent.create({ sessionUsers: Array.from({ length: 20_000 }, () => uuid) });
    expect(JoinSessionEvent.decode(JoinSessionEvent.encode(many)).sessionUsers).to.have.length(20_000);
    const few = JoinSessionEvent.create({ sessionUsers: Array.from({ length: 10_000 }, () => '') });
    expect(JoinSessionEvent.decode(JoinSessionEvent.encode(few)).sessionUsers).to.have.length(10_000);
  });
});
