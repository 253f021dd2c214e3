import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decodeModuleMessage, encodeModuleMessage } from '../envelopes/module-message-envelope.js';
import { decodeTeraEvent, encodeTeraEvent } from '../envelopes/tera-event-envelope.js';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { Value } from '../gen/RPCMessage.js';
import type { Any } from '../types/any.js';
import { defineType } from '../types/define-type.js';
import type { Message } from '../types/message-type.js';

const sized = (size: number): DeviceEvent => DeviceEvent.create({ deviceStatus: 'x'.repeat(size) });
const good = DeviceEvent.create({ deviceUuid: 'u', deviceName: 'n'.repeat(100) });
const goodBytes = DeviceEvent.encode(good).slice();

/** A message whose first field does something when it is read. */
function reading(run: () => string): DeviceEvent {
  return Object.defineProperty(DeviceEvent.create({ deviceName: 'outer' }), 'deviceUuid', {
    get: run,
    enumerable: true,
  });
}

const sizes = [0, 1, 60, 61, 62, 63, 64, 65, 100, 500, 1_000, 2_000, 2_040, 2_050, 4_000, 9_000, 20_000, 300_000];

describe('memory that is used again', () => {
  it('is never that of bytes which were handed out', () => {
    const kept: [Uint8Array, Uint8Array][] = [];
    for (let round = 0; round < 40; round++) {
      for (const size of sizes) {
        const bytes = DeviceEvent.encode(sized(size));
        kept.push([bytes, bytes.slice()]);
        const { argValue } = Value.decode(
          Value.encode(Value.create({ argValue: { $case: 'bytesValue', value: bytes.subarray(0, 3_000) } })),
        );
        const value = argValue?.value as Uint8Array;
        kept.push([value, value.slice()]);
        expect(() => DeviceEvent.encode({ ...sized(size), deviceName: '\ud800' })).to.throw('lone surrogates');
      }
    }
    for (const [bytes, copy] of kept) expect(Buffer.compare(bytes, copy)).to.equal(0);
  });

  it('is not shared by a message that is encoded while another one is', () => {
    const inner: Uint8Array[] = [];
    const outer = reading(() => {
      inner.push(
        DeviceEvent.encode(good),
        encodeTeraEvent({ topic: 't', time: 1, events: [{ type: DeviceEvent, message: good }] }),
      );
      return 'u'.repeat(600);
    });
    const expected = DeviceEvent.encode(
      DeviceEvent.create({ deviceUuid: 'u'.repeat(600), deviceName: 'outer' }),
    ).slice();
    for (let turn = 0; turn < 50; turn++) expect(DeviceEvent.encode(outer)).to.deep.equal(expected);
    for (const bytes of inner.filter((_, index) => index % 2 === 0)) expect(bytes).to.deep.equal(goodBytes);
    const [, envelope] = inner;
    for (const bytes of inner.filter((_, index) => index % 2 === 1)) expect(bytes).to.deep.equal(envelope);
  });

  it('is whole again after an encoding that ended in its middle', () => {
    const failing = reading(() => {
      DeviceEvent.encode(good);
      throw new Error('not readable');
    });
    for (const size of sizes) {
      const envelope = {
        topic: 't',
        time: 1,
        events: [
          { type: DeviceEvent, message: sized(size) },
          { type: DeviceEvent, message: failing },
        ],
      };
      expect(() => encodeTeraEvent(envelope)).to.throw('cannot be read');
      expect(DeviceEvent.encode(good)).to.deep.equal(goodBytes);
    }
  });

  it('is not shared by bytes that are decoded while others are, also where one fails', () => {
    interface Nosy extends Message {
      readonly $type: 'x.Nosy';
      name: string;
    }
    const seen: unknown[] = [];
    const decodeOthers = (): Nosy => {
      seen.push(DeviceEvent.decode(goodBytes));
      expect(() => DeviceEvent.decode(Uint8Array.of(0))).to.throw('field number 0');
      return { $type: 'x.Nosy', name: '' };
    };
    const fields = [{ number: 1, name: 'name', jsonName: 'name', kind: 'string' }] as const;
    const codec = {
      $type: 'x.Nosy',
      encode: () => new BinaryWriter(),
      decode: decodeOthers,
      fromPartial: decodeOthers,
    } as const;
    const type = defineType<Nosy>(codec, fields, ([name]) => ({ ...decodeOthers(), name: name as string }));
    for (let turn = 0; turn < 10; turn++) expect(type.decode(Uint8Array.of(10, 1, 97, 10, 1, 98)).name).to.equal('b');
    for (const message of seen) expect(message).to.deep.equal(good);
  });

  it('keeps at most 126 times as much as what is kept of it, and never over 8 KB more', () => {
    for (let size = 1; size < 3_000; size += 7) {
      const bytes = DeviceEvent.encode(sized(size));
      const value = Value.create({ argValue: { $case: 'bytesValue', value: bytes } });
      const decoded = Value.decode(Value.encode(value)).argValue?.value as Uint8Array;
      for (const { buffer, length } of [bytes, decoded]) {
        expect(buffer.byteLength).to.be.at.most(126 * length);
        expect(buffer.byteLength - length).to.be.below(8_192);
      }
    }
  });

  it('is not taken along with one of the messages in it', () => {
    const one = DeviceEvent.encode(good);
    const other = DeviceEvent.encode(good);
    try {
      structuredClone(one, { transfer: [one.buffer as ArrayBuffer] });
    } catch {
      // Newer versions of Node say so; older ones copy.
    }
    expect(other).to.deep.equal(goodBytes);
  });
});

describe('decodeTeraEvent', () => {
  const bytes = encodeTeraEvent({ topic: 't', time: 1, events: [{ type: DeviceEvent, message: good }] });
  const value = (events: readonly Any[]): Uint8Array => events[0]?.value ?? new Uint8Array(0);

  it('copies what its Anys hold', () => {
    const input = bytes.slice();
    const { events } = decodeTeraEvent(input);
    input.fill(0);
    expect(value(events)).to.deep.equal(goodBytes);
  });

  it('leaves it where it is if told so', () => {
    const input = bytes.slice();
    const { events } = decodeTeraEvent(input, { copy: false });
    expect(value(events)).to.deep.equal(goodBytes);
    expect(value(events).buffer).to.equal(input.buffer);
  });

  it('reads the topic that is named, whichever one was likely', () => {
    for (const likelyTopic of ['t', 'u', '', 'tt', undefined]) {
      expect(decodeTeraEvent(bytes, { likelyTopic })).to.deep.equal(decodeTeraEvent(bytes));
    }
    const dest = encodeModuleMessage({ time: 1, seq: 1, source: 's', dest: 'd', data: [] });
    for (const likelyTopic of ['d', 'e']) {
      expect(decodeModuleMessage(dest, { likelyTopic })).to.deep.equal(decodeModuleMessage(dest));
    }
  });
});
