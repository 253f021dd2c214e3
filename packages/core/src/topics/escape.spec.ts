import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fromSubject, toSubject } from './escape.js';
import { anyIllFormed, anyTopic } from './generate.spec.js';

describe('toSubject and fromSubject', () => {
  const cases: [name: string, topic: string, subject: string][] = [
    ['a name of OpenTera', 'module.TeraServer.UserManagerModule.events', 'module.TeraServer.UserManagerModule.events'],
    ['a UUID', 'websocket.user.5e1d7c3a-0b1f-4d0e.events', 'websocket.user.5e1d7c3a-0b1f-4d0e.events'],
    ['all of plain ASCII', '!"#$&\'()+,-/:;<=?@[\\]^_`{|}~', '!"#$&\'()+,-/:;<=?@[\\]^_`{|}~'],
    ['a space and an accent', 'service.Télé réadaptation.rpc', 'service.T%C3%A9l%C3%A9%20r%C3%A9adaptation.rpc'],
    ['wildcards', 'log.*.>', 'log.%2A.%3E'],
    ['the escape itself', 'a%41', 'a%2541'],
    ['controls', 'a\r\n\0\x7f', 'a%0D%0A%00%7F'],
    ['beyond the first plane', '😀', '%F0%9F%98%80'],
    ['an empty token', 'service..rpc', 'service.%.rpc'],
    ['empty tokens only', '..', '%.%.%'],
    ["NATS's own names", '$JS.API.STREAM.DELETE.x', '%24JS.API.STREAM.DELETE.x'],
    ['an inbox', '_INBOX.x', '%5FINBOX.x'],
    ['a namespace', '@prod.x', '%40prod.x'],
    ['the same further back', 'a.$b._c.@d', 'a.$b._c.@d'],
  ];
  for (const [name, topic, subject] of cases) {
    it(`maps ${name}: ${subject}`, () => {
      expect(toSubject(topic)).to.equal(subject);
      expect(fromSubject(subject)).to.equal(topic);
    });
  }

  const outside: [why: string, subject: string][] = [
    ['empty', ''],
    ['the subject of the empty topic', '%'],
    ['an empty token', 'a..b'],
    ['an empty last token', 'a.'],
    ['a needless escape', 'a%41'],
    ['an escaped dot', 'a%2Eb'],
    ['lower-case digits', '%c3%a9'],
    ['half a character', '%C3'],
    ['a surrogate in UTF-8', '%ED%A0%80'],
    ['an overlong form', '%C0%A0'],
    ['a broken escape', 'a%4'],
    ['a raw wildcard', 'a.*'],
    ['a raw space', 'a b'],
    ['a raw accent', 'é'],
    ['half a surrogate pair', 'a\ud800'],
    ["NATS's own names", '$JS.API'],
    ['an inbox', '_INBOX.x'],
    ['a namespace', '@prod.x'],
    ['a needless escape of what is special in the first place only', 'a.%24b'],
  ];
  for (const [why, subject] of outside) {
    it(`refuses a subject that is ${why}`, () => {
      expect(() => fromSubject(subject))
        .to.throw()
        .with.property('reason', 'TERABUS_SUBJECT_INVALID');
    });
  }

  it('refuses topics that are no text, empty or ill-formed', () => {
    for (const topic of [undefined, null, 7, ['a'], '', '\ud800', 'a.\udc00b']) {
      expect(() => toSubject(topic as string), String(topic))
        .to.throw()
        .with.property('reason', 'TERABUS_TOPIC_INVALID');
    }
    fc.assert(
      fc.property(anyIllFormed, (text) => {
        expect(() => toSubject(text)).to.throw('well-formed');
      }),
    );
  });

  it('prints what it refuses so that a log stays whole', () => {
    const text = `a\n\u202e"\ud800${'b'.repeat(1_000)}`;
    expect(() => toSubject(text)).to.throw(`"a\\u{a}\\u{202e}\\"\\u{d800}${'b'.repeat(59)}…"`);
  });

  it('is a bijection between topics and their image', () => {
    fc.assert(
      fc.property(anyTopic, (topic) => {
        expect(fromSubject(toSubject(topic))).to.equal(topic);
      }),
      { numRuns: 2_000 },
    );
    const bits = fc.constantFrom('a', '.', '%', '%41', '%24', '%C3%A9', '%c3', '$', '_', '*', '%2A', '2', 'é', ' ');
    const anySubject = fc.array(bits, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(anySubject, (subject) => {
        const topic = attempt(() => fromSubject(subject));
        if (topic !== undefined) expect(toSubject(topic)).to.equal(subject);
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives subjects that NATS takes and that belong to nobody else', () => {
    fc.assert(
      fc.property(anyTopic, (topic) => {
        const subject = toSubject(topic);
        expect(subject).to.match(/^[!-~]+$/);
        expect(subject).not.to.match(/^[$_@]|[*>]|^\.|\.\.|\.$/);
        expect(subject.split('.')).to.have.length(topic.split('.').length);
      }),
      { numRuns: 2_000 },
    );
  });
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
