import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LoginEvent } from '../gen/LoginEvent.js';
import { Result } from '../gen/Result.js';
import { RPCMessage, Value } from '../gen/RPCMessage.js';
import { TeraEvent } from '../gen/TeraEvent.js';
import { TeraMessage } from '../gen/TeraMessage.js';
import { UserEvent } from '../gen/UserEvent.js';
import type { MessageType } from '../types/message-type.js';

describe('create refuses what would be lost', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const refused: readonly [string, MessageType, unknown, string][] = [
    [
      'a message that is not packed',
      TeraEvent,
      { events: [UserEvent.create()] },
      '.events[0]: must be a google.protobuf.Any',
    ],
    ['how to pack it', TeraMessage, { message: TeraEvent.create() }, 'pack it with packAny'],
    ['another type', UserEvent, TeraEvent.create(), 'its $type is "opentera.protobuf.TeraEvent"'],
    [
      'another type inside',
      LoginEvent,
      { logHeader: UserEvent.create() },
      '.logHeader: must be a opentera.protobuf.LogEvent',
    ],
    ['text for a message', TeraEvent, { header: 'x' }, '.header: must be an object, is "x"'],
    ['a list for a message', TeraEvent, { header: [] }, '.header: must be an object, is an array'],
    ['no list', TeraEvent, { events: {} }, '.events: must be an array, is an object'],
    ['null in a list', RPCMessage, { args: [null] }, '.args[0]: must be an object, is null'],
    [
      'a member that the oneof lacks',
      Value,
      { argValue: { $case: 'int_value', value: 1n } },
      '.argValue: has no member "int_value"',
    ],
    ['a member without value', Value, { argValue: { $case: 'intValue' } }, '.argValue: has no value'],
    ['a oneof that is no pair', Value, { argValue: 5 }, '.argValue: must be in { $case, value }'],
    ['a number for 64 bits', RPCMessage, { id: 1.5 }, '.id: must be a bigint, is 1.5'],
    ['text for 64 bits', Result, { code: 'x' }, '.code: must be a bigint, is "x"'],
    [
      'true for 64 bits in a oneof',
      Value,
      { argValue: { $case: 'uintValue', value: true } },
      'must be a bigint, is true',
    ],
    ['text', UserEvent, 'x', 'must be an object, is "x"'],
    ['an object that throws', TeraEvent, proxy, 'cannot be read'],
  ];
  for (const [what, type, partial, sentence] of refused) {
    it(what, () => {
      expect(() => type.create(partial as object))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_MESSAGE_INVALID');
      expect(() => type.create(partial as object)).to.throw(type.$type);
    });
  }

  it('and takes null for what is left out', () => {
    const partial = { header: null, events: null } as unknown as object;
    expect(TeraEvent.create(partial)).to.deep.equal(TeraEvent.create());
    expect(Value.create({ argValue: null } as unknown as object)).to.deep.equal(Value.create());
    expect(Result.create({ code: undefined }).code).to.equal(0n);
  });
});
