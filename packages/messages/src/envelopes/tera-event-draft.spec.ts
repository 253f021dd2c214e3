import { expect } from 'chai';
import { describe, it } from 'mocha';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { UserEvent } from '../gen/UserEvent.js';
import { TeraEventDraft } from './tera-event-draft.js';
import { encodeTeraEvent } from './tera-event-envelope.js';

const sized = (size: number): DeviceEvent => DeviceEvent.create({ deviceStatus: 'x'.repeat(size) });
const whole = (topic: string, time: number, messages: readonly DeviceEvent[]) =>
  encodeTeraEvent({ topic, time, events: messages.map((message) => ({ type: DeviceEvent, message })) });
const drafted = (topic: string, messages: readonly DeviceEvent[]): TeraEventDraft => {
  const draft = new TeraEventDraft(topic);
  for (const message of messages) draft.add(DeviceEvent, message);
  return draft;
};

describe('a draft of a TeraEvent', () => {
  const topics = ['a', '', 'é'.repeat(20), 'x'.repeat(111), 'x'.repeat(120), 'x'.repeat(130), 'x'.repeat(17_000)];
  const lists = [[], [0], [1, 200, 0], [60, 1_000, 70_000, 3], [900, 100, 20], [300_000, 1], new Array(100).fill(100)];

  it('has the bytes that encodeTeraEvent makes of the same', () => {
    for (const topic of topics) {
      for (const sizes of lists) {
        const messages = sizes.map(sized);
        const draft = drafted(topic, messages);
        const expected = whole(topic, 1.5, messages);
        expect(draft.size).to.equal(expected.length);
        expect(Buffer.compare(draft.finish(1.5), expected), `${topic.length} ${sizes}`).to.equal(0);
      }
    }
  });

  it('shares its memory with no other one, and hands out bytes that stay', () => {
    const open: { readonly topic: string; readonly draft: TeraEventDraft; readonly messages: DeviceEvent[] }[] = [];
    const kept: [Uint8Array, Uint8Array][] = [];
    for (let round = 0; round < 200; round++) {
      const topic = `t${round}`;
      open.push({ topic, draft: new TeraEventDraft(topic), messages: [] });
      for (const [index, { draft, messages }] of open.entries()) {
        const message = sized((round * 37 + index) % 2_000);
        messages.push(message);
        draft.add(DeviceEvent, message);
      }
      if (open.length < 12) continue;
      for (const { topic, draft, messages } of open.splice(round % 12, 1)) {
        kept.push([draft.finish(2), whole(topic, 2, messages)]);
      }
    }
    for (let n = 0; n < 50; n++) drafted('other', [sized(n * 100)]).finish(3);
    expect(kept).to.have.length.above(100);
    for (const [bytes, expected] of kept) expect(Buffer.compare(bytes, expected)).to.equal(0);
  });

  it('is as before when a message can’t be encoded, or is taken back', () => {
    const draft = drafted('t', [sized(10)]);
    const { size } = draft;
    expect(() => draft.add(DeviceEvent, { ...sized(5_000), deviceName: '\ud800' })).to.throw('lone surrogates');
    expect(() => draft.add(UserEvent, DeviceEvent.create({}) as never)).to.throw('UserEvent');
    expect(draft.size).to.equal(size);
    draft.add(DeviceEvent, sized(5_000));
    draft.cut(size);
    draft.add(DeviceEvent, sized(20));
    expect(draft.finish(1)).to.deep.equal(whole('t', 1, [sized(10), sized(20)]));
  });

  it('has a message as it was when it was added', () => {
    const message = { ...sized(10) };
    const draft = drafted('t', [message]);
    message.deviceStatus = 'later';
    expect(draft.finish(1)).to.deep.equal(whole('t', 1, [sized(10)]));
  });

  it('takes nothing in the middle of a message, whose getters may encode others', () => {
    const draft = new TeraEventDraft('t');
    const refused: unknown[] = [];
    const nosy = Object.defineProperty({ ...sized(10) }, 'deviceUuid', {
      enumerable: true,
      get: () => {
        drafted('other', [sized(30)]).finish(1);
        try {
          draft.add(DeviceEvent, sized(40));
        } catch (error) {
          refused.push(error);
        }
        return 'u';
      },
    });
    draft.add(DeviceEvent, nosy);
    expect(refused.map(String)).to.include('Error: a TeraEvent to which an event is being added');
    expect(draft.finish(1)).to.deep.equal(whole('t', 1, [{ ...sized(10), deviceUuid: 'u' }]));
  });

  it('needs a time, and takes nothing when it is finished', () => {
    const draft = drafted('t', [sized(1)]);
    for (const time of [0, Number.NaN]) expect(() => draft.finish(time)).to.throw('TERABUS_TIME_REQUIRED');
    draft.finish(1);
    for (const use of [() => draft.add(DeviceEvent, sized(1)), () => draft.finish(1), () => draft.size]) {
      expect(use).to.throw('a TeraEvent that is finished');
    }
    expect(() => new TeraEventDraft('\ud800')).to.throw('lone surrogates');
  });
});
