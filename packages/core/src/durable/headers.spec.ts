import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ownHeaders } from './headers.js';

describe('the headers of what is put aside', () => {
  it('are those of the message, without what was added, what is of NATS, and what can not be sent on', () => {
    const headers = new Map([
      ['traceparent', '00-1'],
      ['Terabus-Message-Id', 'a'],
      ['mine', 'of any kind: ü'],
      ['Terabus-Origin', 'x/1/0'],
      ['Terabus-Dead-Reason', 'Y'],
      ['Nats-Msg-Id', 'a'],
      ['nats-stream', 'b'],
      ['bad name', 'c'],
      ['ends', 'white space '],
    ]);
    expect([...ownHeaders(headers).keys()]).to.deep.equal(['traceparent', 'Terabus-Message-Id', 'mine']);
  });
});
