import { expect } from 'chai';
import { describe, it } from 'mocha';
import { TeraEvent } from '../gen/TeraEvent.js';
import { TeraMessage } from '../gen/TeraMessage.js';
import { UserEvent } from '../gen/UserEvent.js';
import { encodeRpcRequest } from '../rpc/rpc-request.js';
import { packAny, unpackAny } from '../types/any.js';
import { decodeModuleMessage, encodeModuleMessage } from './module-message-envelope.js';
import { decodeTeraEvent, encodeTeraEvent, makeTeraEvent } from './tera-event-envelope.js';
import { decodeTeraMessage, encodeTeraMessage, makeTeraMessage } from './tera-message-envelope.js';

const time = 1737474847.25;
const event = UserEvent.create({ userUuid: 'u' });
const any = packAny(UserEvent, event);

describe('envelopes', () => {
  it('a TeraEvent goes there and back', () => {
    const { header, events } = decodeTeraEvent(encodeTeraEvent({ topic: 't', time, events: [any] }));
    expect(header).to.deep.include({ version: 1, time, topic: 't' });
    expect(events.map((each) => unpackAny(UserEvent, each))).to.deep.equal([event]);
    expect(decodeTeraEvent(encodeTeraEvent({ topic: 't', time, version: 2, events: [] })).header?.version).to.equal(2);
  });

  it('a TeraModuleMessage goes there and back', () => {
    const parts = { source: 'module.A', dest: 'module.B.messages', seq: 4294967295, time };
    const { head, data } = decodeModuleMessage(encodeModuleMessage({ ...parts, data: [any] }));
    expect(head).to.deep.include({ ...parts, version: 1 });
    expect(data).to.deep.equal([any]);
  });

  it('a TeraMessage holds a TeraEvent', () => {
    const inner = makeTeraEvent({ topic: 't', time, events: [any] });
    expect(decodeTeraMessage(encodeTeraMessage(inner))).to.deep.equal(inner);
    expect(makeTeraMessage(inner).message?.typeUrl).to.equal('type.googleapis.com/opentera.protobuf.TeraEvent');
    expect(() => decodeTeraMessage(new Uint8Array())).to.throw('holds nothing');
    expect(() => decodeTeraMessage(TeraMessage.encode(TeraMessage.create({ message: any }))))
      .to.throw('UserEvent')
      .with.property('reason', 'TERABUS_TYPE_MISMATCH');
  });

  for (const wrong of [0, -0, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
    it(`none is made at the time ${wrong}, which OpenTera could take for text (contract 3.4)`, () => {
      const makers = [
        () => encodeTeraEvent({ topic: 't', time: wrong, events: [] }),
        () => encodeModuleMessage({ source: 's', dest: 'd', seq: 1, time: wrong, data: [] }),
        () => encodeTeraMessage(TeraEvent.create({ header: { time: wrong } })),
        () => encodeRpcRequest({ method: 'm', replyTo: '', id: 0n, timestamp: wrong, args: [] }),
      ];
      for (const make of makers) expect(make).to.throw().with.property('reason', 'TERABUS_TIME_REQUIRED');
    });
  }

  it('none is made of what is no parts', () => {
    for (const parts of [undefined, null, { time, timestamp: time }] as never[]) {
      for (const make of [encodeTeraEvent, encodeModuleMessage, encodeRpcRequest]) {
        expect(() => make(parts))
          .to.throw('cannot be read')
          .with.property('reason', 'TERABUS_MESSAGE_INVALID');
      }
      expect(() => encodeTeraMessage(parts)).to.throw('TERABUS_TIME_REQUIRED');
    }
  });

  it('a TeraMessage needs the header of its event', () => {
    expect(() => encodeTeraMessage(TeraEvent.create())).to.throw('TERABUS_TIME_REQUIRED');
  });
});
