import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { thrown } from '../service/stage.spec.js';
import { formatTimeout, parseTimeout } from './deadline.js';
import { errorReply, okReply, readReply } from './reply.js';

const call = { method: 'fast', id: 7n, pattern: 'module.TeraServer.UserManagerModule.rpc' };
const utf8 = new TextEncoder();
const read = (reply: unknown) =>
  readReply(utf8.encode(typeof reply === 'string' ? reply : JSON.stringify(reply)), 'module.M', 'fast', 7);

describe('a reply', () => {
  it('is, for a result, byte for byte what OpenTera writes', () => {
    expect(okReply(call, '"fast"')).to.equal(
      '{"method": "fast", "id": 7, "pattern": "module.TeraServer.UserManagerModule.rpc", "status": "OK", "return_value": "fast"}',
    );
  });
  it('is, for a failure, what OpenTera writes with the error behind it', () => {
    const error = new BusError('no such device', { code: 'NOT_FOUND', reason: 'NO_DEVICE', details: { n: 1n } });
    expect(errorReply(call, error)).to.equal(
      '{"method": "fast", "id": 7, "pattern": "module.TeraServer.UserManagerModule.rpc", "status": "Error", "return_value": null, "error": {"code":"NOT_FOUND","reason":"NO_DEVICE","message":"no such device","details":{"n":"1"}}}',
    );
  });
  it('has its id as digits, however large', () => {
    expect(okReply({ ...call, id: 2n ** 64n - 1n }, 'null')).to.contain('"id": 18446744073709551615,');
  });
  it('is JSON whatever the method is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (method) => {
        const { id, ...rest } = JSON.parse(errorReply({ ...call, method }, new BusError(method, { code: 'INTERNAL' })));
        expect(id).to.equal(7);
        expect(rest.method).to.equal(method);
      }),
    );
  });
  it('leaves out details that JSON cannot say', () => {
    const details: Record<string, unknown> = {};
    details['self'] = details;
    expect(JSON.parse(errorReply(call, new BusError('x', { code: 'INTERNAL', details }))).error).to.deep.equal({
      code: 'INTERNAL',
      reason: 'INTERNAL',
      message: 'x',
    });
  });
});

describe('reading a reply', () => {
  const ok = { method: 'fast', id: 7, pattern: 'p', status: 'OK', return_value: [1] };
  const failed = { ...ok, status: 'Error', return_value: null };

  it('gives the value', () => {
    expect(read(ok)).to.deep.equal([1]);
    expect(read({ status: 'OK' })).to.equal(null);
  });
  it('throws what the callee sent', () => {
    const sent = new BusError('no', { code: 'NOT_FOUND', reason: 'NO_DEVICE', details: { uuid: 'u' } });
    const error = thrown(() => read(errorReply(call, sent)));
    expect(error.toJSON()).to.deep.equal(sent.toJSON());
  });
  it('knows OpenTera’s plain failure', () => {
    const error = thrown(() => read(failed));
    expect([error.reason, error.rawMessage]).to.deep.equal([
      'TERABUS_RPC_FAILED',
      "module.M failed in fast and didn't say why",
    ]);
  });
  it('takes null, or an error of another shape, for no error', () => {
    expect(read({ ...ok, error: null })).to.deep.equal([1]);
    expect(thrown(() => read({ ...failed, error: 'text' })).reason).to.equal('TERABUS_RPC_FAILED');
    expect(thrown(() => read({ ...failed, error: { code: 'NOT_FOUND', details: [] } })).code).to.equal('NOT_FOUND');
  });
  it('refuses the answer to another call', () => {
    for (const other of [{ id: 8 }, { method: 'slow' }, { id: 8, method: 'slow' }]) {
      expect(thrown(() => read({ ...ok, ...other })).rawMessage).to.equal(
        'the answer of module.M to fast is to another call',
      );
    }
  });
  it('takes the answer of a callee that could not read the request', () => {
    const error = new BusError('no RPCMessage', { reason: 'TERABUS_RPC_REQUEST' });
    expect(thrown(() => read(errorReply({ method: '', id: 0n, pattern: 'p' }, error))).reason).to.equal(
      'TERABUS_RPC_REQUEST',
    );
  });
  it('refuses what is no reply', () => {
    for (const reply of ['', 'null', '[]', '7', '{}', '{"status":1}', 'nonsense', '\uFEFF{"status":"OK"}{']) {
      expect(thrown(() => read(reply)).reason, reply).to.equal('TERABUS_RPC_REPLY');
    }
    expect(thrown(() => readReply(new Uint8Array([0xff]), 'm', 'fast', 7)).reason).to.equal('TERABUS_RPC_REPLY');
  });
  it('is not fooled by names that every object has', () => {
    const reply =
      '{"status":"Error","error":{"code":"constructor","reason":"__proto__","message":"m","details":{"__proto__":{"polluted":1}}},"__proto__":{"status":"OK"}}';
    const error = thrown(() => read(reply));
    expect([error.code, error.reason]).to.deep.equal(['UNKNOWN', '__proto__']);
    expect((error.details as { polluted?: number }).polluted).to.equal(undefined);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
  });
  it('lets no callee give one of Terabus’ reasons another meaning', () => {
    const error = { code: 'OK?', reason: 'TERABUS_RPC_ARGUMENTS', message: 'm' };
    expect(thrown(() => read({ ...failed, error })).code).to.equal('INVALID_ARGUMENT');
  });
  it('never throws anything but a BusError (property)', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.jsonValue().map((error) => JSON.stringify({ ...failed, error })),
        ),
        (text) => {
          try {
            read(text);
          } catch (error) {
            expect(BusError.is(error)).to.equal(true);
          }
        },
      ),
    );
  });
});

describe('the deadline header', () => {
  it('is whole milliseconds, at least 1 and at most a day', () => {
    expect([0.2, 1.2, 2_000, 1e12, Number.POSITIVE_INFINITY].map(formatTimeout)).to.deep.equal([
      '1',
      '2',
      '2000',
      '86400000',
      '86400000',
    ]);
  });
  it('is read back, and ignored where it makes no sense', () => {
    expect(parseTimeout('1500')).to.equal(1_500);
    expect(parseTimeout('999999999')).to.equal(86_400_000);
    for (const text of [undefined, '', '0', '-1', '1.5', '1e3', ' 1', '0x10', '10000000000', 'soon']) {
      expect(parseTimeout(text), String(text)).to.equal(undefined);
    }
  });
});
