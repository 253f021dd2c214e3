import { inspect } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { OwnHeaders } from './own-headers.js';

describe('the headers of a message that is handed out', () => {
  const all = new Map([
    ['Nats-Msg-Id', '1'],
    ['Terabus-Epoch', '2'],
    ['NATS-Rollup', '3'],
    ['traceparent', '4'],
  ]);
  const own: [string, string][] = [
    ['Terabus-Epoch', '2'],
    ['traceparent', '4'],
  ];

  it('are those of its sender, however they are looked at', () => {
    const headers = new OwnHeaders(all);
    expect([...all.keys()].map((name) => headers.get(name))).to.deep.equal([undefined, '2', undefined, '4']);
    expect([...all.keys()].map((name) => headers.has(name))).to.deep.equal([false, true, false, true]);
    expect(headers.size).to.equal(2);
    expect([...headers]).to.deep.equal(own);
    expect([...headers.entries()]).to.deep.equal(own);
    expect([...headers.keys()]).to.deep.equal(own.map(([name]) => name));
    expect([...headers.values()]).to.deep.equal(own.map(([, value]) => value));
    const seen: unknown[] = [];
    headers.forEach((value, name, whose) => {
      seen.push([name, value, whose === headers]);
    });
    expect(seen).to.deep.equal(own.map((header) => [...header, true]));
    expect(headers).to.deep.equal(new Map(own));
    expect(inspect(headers)).to.equal(inspect(new Map(own)));
  });
});
