import { expect } from 'chai';
import { describe, it } from 'mocha';
import { forbidden, grantFor, parseRefusal } from './refusal.js';

describe('refusals', () => {
  it('are read as servers write them', () => {
    const none = { queue: undefined, subscription: undefined };
    const said = {
      '\'Permissions Violation for Publish to "a.b"\'': { operation: 'publish', subject: 'a.b', ...none },
      'Permissions Violation for Subscription to "a"': { operation: 'subscribe', subject: 'a', ...none },
      'Permissions Violation for Subscription to "a.>" using queue "q"': {
        ...{ operation: 'subscribe', subject: 'a.>', ...none },
        queue: 'q',
      },
      'Permissions Violation for Subscription to "a" (sid "12")': {
        ...{ operation: 'subscribe', subject: 'a', ...none },
        subscription: 12,
      },
      'Permissions Violation for Publish to "a\\"b\\\\c"': { operation: 'publish', subject: 'a"b\\c', ...none },
      "'Authorization Violation'": undefined,
      '': undefined,
    };
    for (const [text, refusal] of Object.entries(said)) expect(parseRefusal(text), text).to.deep.equal(refusal);
  });

  it('name a grant that does not change with each request', () => {
    const grants = {
      'module.X.Y.messages': 'module.X.Y.messages',
      '@prod.a': '@prod.a',
      '_REPLY.web.0123.4': '_REPLY.web.>',
      '@prod._REPLY.web.0123.*': '@prod._REPLY.web.>',
      '_INBOX.abc.1': '_INBOX.>',
      '_R_.abc': '_R_.>',
      '$JS.ACK.S.C.1.2.3.4.5': '$JS.ACK.S.C.>',
      '$JS.ACK._.hash.S.C.1.2.3.4.5': '$JS.ACK.*.*.S.C.*.*.*.*.>',
      '$JS.ACK._.hash.S.C.1.2.3.4.5.token': '$JS.ACK.*.*.S.C.*.*.*.*.>',
      '$KV.marks.a.b': '$KV.marks.>',
      '$JS.API.STREAM.INFO.S': '$JS.API.STREAM.INFO.S',
    };
    for (const [subject, grant] of Object.entries(grants)) expect(grantFor(subject)).to.equal(grant);
  });

  it('say what to grant', () => {
    const error = forbidden({ operation: 'subscribe', subject: '_REPLY.web.x.*', queue: 'q', subscription: 1 });
    expect(error.details).to.deep.equal({ operation: 'subscribe', subject: '_REPLY.web.>', queue: 'q' });
    expect(error.message).to.contain('subscribe').and.contain('_REPLY.web.>').and.contain('"q"');
  });

  it('spell out a grant of any length, so that it can be granted', () => {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${'s'.repeat(255)}.${'c'.repeat(255)}`;
    const queue = `module.Clinic.${'q'.repeat(200)}`;
    const { message } = forbidden({ operation: 'publish', subject, queue, subscription: undefined });
    expect(message).to.contain(subject).and.contain(queue);
  });
});
