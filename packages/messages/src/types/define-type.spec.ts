import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { UserEvent as UserEventCodec } from '../gen/UserEvent.codec.js';
import { UserEvent, UserEvent_EventType } from '../gen/UserEvent.js';
import { type Codec, defineType } from './define-type.js';
import type { Field } from './field.js';
import type { Message } from './message-type.js';

describe('a MessageType', () => {
  it('makes messages with defaults for what is left out', () => {
    expect(UserEvent.create()).to.deep.equal({
      $type: 'opentera.protobuf.UserEvent',
      userUuid: '',
      type: UserEvent_EventType.USER_UNKNOWN,
      userFullname: '',
    });
    expect(UserEvent.create({ userFullname: 'Ana Roy' }).userFullname).to.equal('Ana Roy');
  });

  it('encodes and decodes', () => {
    const event = UserEvent.create({ userUuid: 'u', type: UserEvent_EventType.USER_CONNECTED });
    expect(UserEvent.decode(UserEvent.encode(event))).to.deep.equal(event);
  });

  it('can be neither changed nor given other fields', () => {
    expect(UserEvent).to.be.frozen;
    expect(UserEvent.fields).to.be.frozen;
    expect(UserEvent.fields.map(({ number, name }) => [number, name])).to.deep.equal([
      [1, 'user_uuid'],
      [2, 'type'],
      [3, 'user_fullname'],
    ]);
  });
});

describe('defineType', () => {
  interface Sample extends Message {
    readonly $type: 'x.Sample';
    readonly [property: string]: unknown;
  }

  /** A codec that decodes everything to one message, as generated with the wrong options. */
  const codec = (empty: object, decoded: object = empty): Codec<Sample> => ({
    $type: 'x.Sample',
    encode: () => new BinaryWriter(),
    decode: () => ({ $type: 'x.Sample', ...decoded }) as unknown as Sample,
    fromPartial: () => ({ ...empty }) as unknown as Sample,
  });
  const typed = (properties: object, decoded?: object): Codec<Sample> =>
    codec({ $type: 'x.Sample', ...properties }, decoded);
  const field = (row: object): Field => ({ number: 1, name: 'a', jsonName: 'a', kind: 'string', ...row }) as Field;

  const refused: readonly [string, Codec<Sample>, Field, string][] = [
    ['no $type', codec({ a: '' }), field({}), 'no $type'],
    ['a number for 64 bits', typed({ a: 0 }, { a: 1 }), field({ kind: 'int64' }), 'forceLong=bigint'],
    ['a string for 64 bits', typed({ a: '0' }, { a: '1' }), field({ kind: 'fixed64' }), 'forceLong=bigint'],
    ['numbers in a list', typed({ a: [] }, { a: [1] }), field({ kind: 'uint64', repeated: true }), 'forceLong=bigint'],
    [
      'numbers in a oneof',
      typed({ o: undefined }, { o: { $case: 'a', value: 1 } }),
      field({ kind: 'sint64', oneof: 'o' }),
      'forceLong=bigint',
    ],
    ['a flattened oneof', typed({ a: undefined, o: undefined }), field({ oneof: 'o' }), 'oneof=unions-value'],
    ['a Buffer for bytes', typed({ a: Buffer.of() }), field({ kind: 'bytes' }), 'plain Uint8Array'],
    [
      'an enum of strings',
      typed({ a: 'ZERO' }),
      field({ kind: 'enum', enum: { name: 'e', values: [] } }),
      'not a number',
    ],
    ['a missing property', typed({ b: '' }), field({}), 'no property a'],
    ['a property of every object', typed({}), field({ jsonName: 'toString' }), 'no property toString'],
    ['a list that is none', typed({ a: '' }), field({ repeated: true }), 'array'],
  ];
  for (const [what, sample, row, sentence] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => defineType(sample, [row]))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_TYPE_SHAPE');
    });
  }

  it('takes what protoc-gen-terabus generates', () => {
    expect(defineType(UserEventCodec, UserEvent.fields as readonly Field<'type'>[]).$type).to.equal(UserEvent.$type);
  });
});
