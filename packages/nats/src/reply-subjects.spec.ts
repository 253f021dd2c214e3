import { expect } from 'chai';
import { describe, it } from 'mocha';
import { newReplyPrefix, refusedReply } from './reply-subjects.js';

const usual = { inbox: true, crossAccount: false };
const nuid = 'A1b2C3d4E5f6G7h8I9j0Kl';

describe('reply subjects', () => {
  it('of one connection are answered in its own namespace alone', () => {
    for (const namespace of [undefined, 'prod']) {
      const reply = `${newReplyPrefix('user manager.é', namespace)}z9`;
      expect(refusedReply(reply, namespace, usual), reply).to.equal(undefined);
      expect(refusedReply(reply, 'test', usual), reply).not.to.equal(undefined);
    }
    expect(refusedReply(`${newReplyPrefix('a', 'prod')}1`, undefined, usual)).to.equal('other');
  });

  it('of two connections differ, also when their names are equal', () => {
    expect(newReplyPrefix('a', undefined)).not.to.equal(newReplyPrefix('a', undefined));
  });

  it('tell the name of the connection in one token', () => {
    expect(newReplyPrefix('module.TeraServer', 'prod')).to.match(/^@prod\._REPLY\.module__TeraServer\.[0-9a-f]{32}\.$/);
  });

  it('of plain clients are answered unless switched off', () => {
    for (const inbox of [`_INBOX.${nuid}`, `_INBOX.${nuid}.1f`, `_INBOX.${nuid}.${nuid}`]) {
      expect(refusedReply(inbox, undefined, usual)).to.equal(undefined);
      expect(refusedReply(inbox, 'prod', usual)).to.equal(undefined);
      expect(refusedReply(inbox, undefined, { ...usual, inbox: false })).to.equal('inbox');
    }
  });

  it('of other accounts are answered when switched on', () => {
    expect(refusedReply('_R_.Xy12Ab', undefined, usual)).to.equal('cross-account');
    expect(refusedReply('_R_.Xy12Ab', undefined, { ...usual, crossAccount: true })).to.equal(undefined);
  });

  it('are refused whatever else they are', () => {
    const everything = { inbox: true, crossAccount: true };
    const hostile = [
      ['$JS.API.STREAM.DELETE.S', 'system'],
      ['$JS.ACK.S.c.1.1.1.1.0', 'system'],
      ['$SYS.REQ.USER.INFO', 'system'],
      ['module.TeraServer.UserManagerModule.messages', 'other'],
      ['@prod.module.X.rpc', 'other'],
      ['', 'other'],
      ['>', 'other'],
      ['_INBOX', 'other'],
      ['_INBOX.short', 'inbox'],
      [`_INBOX.${nuid}.`, 'inbox'],
      [`_INBOX.${nuid}.*`, 'inbox'],
      [`_INBOX.${nuid}.>`, 'inbox'],
      [`_INBOX.${nuid} 0\r\n\r\nPUB evil`, 'inbox'],
      [`_INBOX.${nuid}\n`, 'inbox'],
      [`_INBOX.${nuid}${'.a'.repeat(200)}`, 'inbox'],
      ['_R_.', 'cross-account'],
      ['_REPLY.a.b.1', 'terabus'],
      [`_REPLY.a.${'0'.repeat(32)}.1.2`, 'terabus'],
      [`_REPLY.a.${'0'.repeat(32)}.*`, 'terabus'],
      [`_REPLY.>.${'0'.repeat(32)}.1`, 'terabus'],
    ];
    const shapes = hostile.map(([subject = '']) => [subject, refusedReply(subject, undefined, everything)]);
    expect(shapes).to.deep.equal(hostile);
  });
});
