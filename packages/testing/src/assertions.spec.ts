import { BusError, DeviceEvent, TeraEvent, UserEvent, UserEvent_EventType } from '@terabus/messages';
import { AssertionError, expect, use } from 'chai';
import { describe, it } from 'mocha';
import { terabusAssertions } from './assertions.js';

use(terabusAssertions);

/** What a failing assertion says. */
function complaint(assertion: () => unknown): Error {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
  return expect.fail('the assertion did not fail');
}

describe('expect(…).to.be.busError', () => {
  const error = new BusError('a topic must not be empty', { reason: 'TERABUS_TOPIC_INVALID' });

  it('holds for the reason, and for a text in the message', () => {
    expect(error).to.be.busError('TERABUS_TOPIC_INVALID');
    expect(error).to.be.busError('TERABUS_TOPIC_INVALID', 'must not be empty');
  });

  it('fails for another reason or text, and says what the error was', () => {
    for (const assertion of [
      () => expect(error).to.be.busError('TERABUS_TOPIC_TOO_LONG'),
      () => expect(error).to.be.busError('TERABUS_TOPIC_INVALID', 'too long'),
    ]) {
      expect(complaint(assertion).message)
        .to.contain('a topic must not be empty')
        .and.to.contain('a BusError TERABUS_');
    }
  });

  it('fails for what is no BusError, whatever it looks like', () => {
    const impostor = { reason: 'TERABUS_TOPIC_INVALID', message: '' };
    for (const value of [impostor, new Error('TERABUS_TOPIC_INVALID'), 'TERABUS_TOPIC_INVALID', undefined, null]) {
      complaint(() => expect(value).to.be.busError('TERABUS_TOPIC_INVALID'));
    }
  });

  it('can be denied', () => {
    expect(error).to.not.be.busError('TERABUS_CLOSED');
    complaint(() => expect(error).to.not.be.busError('TERABUS_TOPIC_INVALID'));
  });
});

describe('expect(…).to.equalMessage', () => {
  const user = UserEvent.create({ userUuid: 'u-1', type: UserEvent_EventType.USER_CONNECTED });
  const event = TeraEvent.create({
    header: { version: 1, time: 5, topic: 'news' },
    events: [{ typeUrl: 'type.googleapis.com/opentera.protobuf.UserEvent', value: Uint8Array.of(1, 2) }],
  });

  it('holds for the same fields, whatever made the message', () => {
    expect(UserEvent.decode(UserEvent.encode(user))).to.equalMessage(user);
    expect(TeraEvent.decode(TeraEvent.encode(event))).to.equalMessage(event);
  });

  it('takes a Buffer for bytes, and a field that is undefined for one that is not set', () => {
    expect({ $type: 'a.B', bytes: Buffer.from([1, 2]), unset: undefined }).to.equalMessage({
      $type: 'a.B',
      bytes: Uint8Array.of(1, 2),
    });
  });

  it('tells apart types, fields, bytes and numbers', () => {
    complaint(() => expect(DeviceEvent.create()).to.equalMessage(UserEvent.create()));
    complaint(() => expect(user).to.equalMessage({ ...user, userUuid: 'u-2' }));
    complaint(() => expect({ bytes: Uint8Array.of(1) }).to.equalMessage({ bytes: Uint8Array.of(2) }));
    complaint(() => expect({ count: 10n }).to.equalMessage({ count: 11n }));
    complaint(() => expect({ count: 10n }).to.equalMessage({ count: 10 }));
    complaint(() => expect({ list: [1, 2] }).to.equalMessage({ list: [2, 1] }));
    complaint(() => expect(undefined).to.equalMessage(user));
  });

  it('fails with a diff of JSON', () => {
    const other = UserEvent.create({ userUuid: 'u-2', type: UserEvent_EventType.USER_CONNECTED });
    const error = complaint(() => expect(user).to.equalMessage(other));
    expect(error.message).to.equal(
      'expected opentera.protobuf.UserEvent to be the same message as opentera.protobuf.UserEvent',
    );
    expect(error).to.deep.include({
      showDiff: true,
      actual: { type: 'USER_CONNECTED', userUuid: 'u-1' },
      expected: { type: 'USER_CONNECTED', userUuid: 'u-2' },
    });
  });

  it('fails with a diff that can be read where there is no JSON', () => {
    const error = complaint(() =>
      expect({ $type: 'a.B', bytes: Uint8Array.of(1, 255), count: 10n }).to.equalMessage({ $type: 'a.B', count: 11n }),
    );
    expect(error.message).to.equal('expected a.B to be the same message as a.B');
    expect(error).to.deep.include({
      showDiff: true,
      actual: { $type: 'a.B', bytes: { bytes: '01ff' }, count: { bigint: '10' } },
      expected: { $type: 'a.B', count: { bigint: '11' } },
    });
  });
});
