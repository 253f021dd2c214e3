import { expect } from 'chai';
import { describe, it } from 'mocha';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { JoinSessionEvent } from '../gen/JoinSessionEvent.js';
import { StopSessionEvent } from '../gen/StopSessionEvent.js';
import { UserEvent } from '../gen/UserEvent.js';
import { Any, anyTypeName, packAny, unpackAny } from './any.js';
import { defineFamily } from './family.js';
import type { MessageType } from './message-type.js';
import { SessionEvent } from './session-event.js';
import { standardTypes } from './standard-types.js';
import { TypeRegistry } from './type-registry.js';

const event = UserEvent.create({ userUuid: 'u' });

describe('an Any', () => {
  it('holds a message and the name of its type', () => {
    const any = packAny(UserEvent, event);
    expect(any.typeUrl).to.equal('type.googleapis.com/opentera.protobuf.UserEvent');
    expect(unpackAny(UserEvent, any)).to.deep.equal(event);
  });

  it('is known by what follows the last slash', () => {
    const names = ['x.Y', '/x.Y', 'https://a/b/x.Y', 'x/', ''].map((typeUrl) => anyTypeName({ typeUrl }));
    expect(names).to.deep.equal(['x.Y', 'x.Y', 'x.Y', '', '']);
    expect(unpackAny(UserEvent, { ...packAny(UserEvent, event), typeUrl: UserEvent.$type })).to.deep.equal(event);
  });

  it('is not unpacked as another type', () => {
    expect(() => unpackAny(DeviceEvent, packAny(UserEvent, event)))
      .to.throw('holds opentera.protobuf.UserEvent, not opentera.protobuf.DeviceEvent')
      .with.property('reason', 'TERABUS_TYPE_MISMATCH');
    expect(() => unpackAny(UserEvent, { ...packAny(UserEvent, event), typeUrl: `a/x${UserEvent.$type}` }))
      .to.throw(`the Any holds x${UserEvent.$type}`)
      .with.property('reason', 'TERABUS_TYPE_MISMATCH');
    expect(() => unpackAny(DeviceEvent, Any.create())).to.throw('holds nothing');
  });
});

describe('a TypeRegistry', () => {
  it("has OpenTera's twenty types, the headers and Any", () => {
    expect(standardTypes.size).to.equal(23);
    expect([...standardTypes].filter(({ $type }) => /^opentera\.protobuf\.\w+$/.test($type))).to.have.length(20);
  });

  it('packs and unpacks what it knows', () => {
    expect(standardTypes.unpackAny(standardTypes.packAny(event))).to.deep.equal(event);
    const mine = new TypeRegistry([UserEvent, UserEvent]);
    expect([mine.size, mine.has(UserEvent.$type), mine.get(UserEvent.$type)]).to.deep.equal([1, true, UserEvent]);
    expect(() => mine.unpackAny(standardTypes.packAny(DeviceEvent.create())))
      .to.throw('opentera.protobuf.DeviceEvent')
      .with.property('reason', 'TERABUS_TYPE_UNKNOWN');
  });

  it('grows into another registry', () => {
    const small = new TypeRegistry([UserEvent]);
    expect(small.with(DeviceEvent).has(DeviceEvent.$type)).to.equal(true);
    expect(small.has(DeviceEvent.$type)).to.equal(false);
  });

  it('does not know the names that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(standardTypes.get(name)).to.equal(undefined);
      expect(() => standardTypes.unpackAny(Any.create({ typeUrl: `t/${name}` }))).to.throw('TERABUS_TYPE_UNKNOWN');
    }
  });

  it('refuses what is no message type, no message and no Any', () => {
    const { fields: _, ...codecLike } = UserEvent;
    for (const type of [null, undefined, {}, 'UserEvent', codecLike]) {
      expect(() => standardTypes.with(type as unknown as MessageType))
        .to.throw('a registry holds message types')
        .with.property('reason', 'TERABUS_TYPE_SHAPE');
    }
    for (const value of [null, undefined, {}, 'x', { typeUrl: 5 }] as unknown as Any[]) {
      for (const run of [
        () => standardTypes.packAny(value),
        () => standardTypes.unpackAny(value),
        () => unpackAny(UserEvent, value),
        () => anyTypeName(value),
      ]) {
        expect(run).to.throw('is no').with.property('reason', 'TERABUS_MESSAGE_INVALID');
      }
    }
  });

  it('refuses two types of one name', () => {
    const other: MessageType<UserEvent> = { ...UserEvent };
    expect(() => standardTypes.with(other))
      .to.throw('UserEvent')
      .with.property('reason', 'TERABUS_TYPE_CONFLICT');
  });
});

describe('a family', () => {
  it('names several types as one, and a switch narrows its messages', () => {
    const told = (message: SessionEvent): string => {
      switch (message.$type) {
        case 'opentera.protobuf.JoinSessionEvent':
          return message.joinMsg;
        case 'opentera.protobuf.JoinSessionReplyEvent':
          return message.replyMsg;
        case 'opentera.protobuf.LeaveSessionEvent':
          return message.leavingUsers.join();
        case 'opentera.protobuf.StopSessionEvent':
          return message.sessionUuid;
      }
    };
    expect(told(JoinSessionEvent.create({ joinMsg: 'Join me!' }))).to.equal('Join me!');
    expect([SessionEvent.$family, SessionEvent.members.length]).to.deep.equal(['SessionEvent', 4]);
    expect(SessionEvent).to.be.frozen;
  });

  it('has each member once', () => {
    expect(defineFamily('Twice', [StopSessionEvent, StopSessionEvent]).members).to.deep.equal([StopSessionEvent]);
  });
});

// The compiler's part: each line below must be refused, or it is itself an error.
export function refusedByTheCompiler(): void {
  const user = UserEvent.create();
  // @ts-expect-error: a user is no device, although a partial device could have its fields
  DeviceEvent.encode(user);
  // @ts-expect-error: messages are made with their type's `create`, which knows $type
  UserEvent.encode({ userUuid: '', type: 0, userFullname: '' });
  // @ts-expect-error: no such field
  UserEvent.create({ uuid: '' });
  // @ts-expect-error: a field of another type
  UserEvent.create({ userUuid: 1 });
  // @ts-expect-error: $type is the type's, not the caller's
  UserEvent.create({ $type: 'opentera.protobuf.UserEvent' });
  // @ts-expect-error: the Any is unpacked as a DeviceEvent
  const device: UserEvent = unpackAny(DeviceEvent, Any.create());
  // @ts-expect-error: a user's event is none of the family
  const session: SessionEvent = user;
  void [device, session];
}
