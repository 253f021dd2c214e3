import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BusError } from './bus-error.js';
import { type Code, codes, isCode } from './code.js';
import { isReason, reasons } from './reasons.js';

describe('BusError', () => {
  it('takes its code from a reason of Terabus', () => {
    const error = new BusError('no such type', { reason: 'TERABUS_TYPE_UNKNOWN', details: { type: 'x.Y' } });
    expect(error).to.include({ name: 'BusError', code: 'NOT_FOUND', reason: 'TERABUS_TYPE_UNKNOWN', retryable: false });
    expect(error.message).to.equal('[TERABUS_TYPE_UNKNOWN] no such type');
    expect(error.rawMessage).to.equal('no such type');
    expect(error).to.be.instanceOf(Error);
    expect(error.stack).to.contain('[TERABUS_TYPE_UNKNOWN] no such type');
  });

  it('takes the code and the reason that a user gives', () => {
    expect(new BusError('off', { code: 'UNAVAILABLE' })).to.include({ message: '[UNAVAILABLE] off', retryable: true });
    expect(new BusError('off', { code: 'NOT_FOUND', reason: 'DEVICE_IS_OFF' })).to.include({
      message: '[DEVICE_IS_OFF] off',
      code: 'NOT_FOUND',
      reason: 'DEVICE_IS_OFF',
    });
  });

  it('does not keep alive whose method threw it, when it is kept', async () => {
    class Message {
      readonly bytes = new Uint8Array(65_536);
      refuse() {
        return new BusError('it is bad', { code: 'INVALID_ARGUMENT' });
      }
    }
    const thrown = () => {
      const message = new Message();
      return { error: message.refuse(), message: new WeakRef(message) };
    };
    const { error, message } = thrown();
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    // A reference is kept for the rest of the turn in which it was made.
    await new Promise(setImmediate);
    collectGarbage();
    expect(message.deref()).to.equal(undefined);
    expect(error.rawMessage).to.equal('it is bad');
  });

  it('tells a log everything but the stack', () => {
    const error = new BusError('no', { code: 'ABORTED', details: { id: 1 }, cause: new Error('because') });
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({
      name: 'BusError',
      code: 'ABORTED',
      message: 'no',
      details: { id: 1 },
      cause: 'because',
    });
    expect(new BusError('no', { code: 'ABORTED' }).toJSON()).to.have.all.keys('name', 'code', 'message');
  });

  it('is told by its brand, so that copies of this package know each other', () => {
    const foreign = {
      [Symbol.for('@terabus/messages/BusError')]: true,
      code: 'NOT_FOUND',
      message: 'x',
      rawMessage: 'x',
    };
    expect(BusError.is(new BusError('x', { code: 'INTERNAL' }))).to.equal(true);
    expect(BusError.is(foreign)).to.equal(true);
    expect(BusError.from(foreign)).to.equal(foreign);
    for (const other of [new Error('x'), null, undefined, 'x', {}, { code: 'INTERNAL' }]) {
      expect(BusError.is(other)).to.equal(false);
    }
  });

  it('is made from whatever was thrown, and keeps it as the cause', () => {
    const thrown = new TypeError('x is not a function');
    expect(BusError.from(thrown)).to.include({ code: 'INTERNAL', rawMessage: 'x is not a function', cause: thrown });
    expect(BusError.from('text').rawMessage).to.equal('text');
    expect(BusError.from(undefined).rawMessage).to.equal('undefined');
    expect(BusError.from(AbortSignal.abort().reason).code).to.equal('CANCELLED');
    expect(BusError.from(new DOMException('late', 'TimeoutError')).code).to.equal('DEADLINE_EXCEEDED');
    const error = new BusError('x', { code: 'ABORTED' });
    expect(BusError.from(error)).to.equal(error);
  });

  it('is made from hostile values without throwing', () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const branded = { [Symbol.for('@terabus/messages/BusError')]: true, code: 'NONSENSE' };
    const hostile = [
      Object.create(null),
      { toString: boom },
      { toString: () => ({}) },
      { [Symbol.toPrimitive]: boom },
      new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom }),
      new Proxy(new Error('x'), { get: boom }),
      revoked.proxy,
      Object.defineProperty(new Error('x'), 'message', { get: boom }),
      Object.defineProperty(new Error('x'), 'message', { value: 7 }),
      Object.defineProperty({}, Symbol.for('@terabus/messages/BusError'), { get: boom }),
      branded,
      { ...branded, code: 'NOT_FOUND', message: 'x', rawMessage: 7n },
      { ...branded, code: 'NOT_FOUND', message: 'x', rawMessage: 'x', reason: 7n },
      Object.defineProperty({ ...branded, code: 'NOT_FOUND', message: 'x' }, 'rawMessage', { get: boom }),
      Symbol('s'),
      10n,
      () => boom(),
    ];
    for (const value of hostile) {
      const error = BusError.from(value);
      expect(error).to.be.instanceOf(BusError);
      expect(error.code).to.equal('INTERNAL');
      expect(error.message).to.be.a('string');
      expect(error.toJSON().message).to.be.a('string');
    }
  });
});

describe('codes and reasons', () => {
  it("are gRPC's sixteen", () => {
    expect(Object.keys(codes)).to.have.length(16);
    const retryable = (Object.keys(codes) as Code[]).filter((code) => codes[code].retryable);
    expect(retryable).to.have.members(['DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'UNAVAILABLE']);
  });

  it('are not fooled by names that every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(isCode(name)).to.equal(false);
      expect(isReason(name)).to.equal(false);
    }
  });

  it('each say one sentence', () => {
    for (const [reason, { code, sentence }] of Object.entries(reasons)) {
      expect(reason).to.match(/^TERABUS_[A-Z0-9]+(_[A-Z0-9]+)*$/);
      expect(isCode(code)).to.equal(true);
      expect(sentence).to.match(/^[A-Z].*\.$/);
    }
  });
});
