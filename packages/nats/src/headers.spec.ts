import { headersSize } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { encodeHeaders, toHeaders } from './headers.js';

describe('headers on the wire', () => {
  it('are a line each, in UTF-8', () => {
    const block = encodeHeaders(
      new Map([
        ['Terabus-Epoch', '01JG'],
        ['traceparent', 'é'],
      ]),
    );
    expect(new TextDecoder().decode(block)).to.equal('NATS/1.0\r\nTerabus-Epoch: 01JG\r\ntraceparent: é\r\n\r\n');
  });

  it('are nothing when there are none', () => {
    expect(encodeHeaders(undefined)).to.equal(undefined);
    expect(encodeHeaders(new Map())).to.equal(undefined);
  });

  it('have the size that every transport counts', () => {
    const headers = new Map([
      ['A', ''],
      ['Long-Name', 'é😀'],
    ]);
    expect(encodeHeaders(headers)?.length).to.equal(headersSize(headers));
  });

  it('that would become other headers are refused', () => {
    const hostile = [
      ['A', 'x\r\nNats-Rollup: all'],
      ['A: x\r\nB', 'y'],
      ['', 'y'],
      ['Bad Name', 'x'],
      ['A', '\n'],
    ] as const;
    for (const header of hostile) {
      expect(() => encodeHeaders(new Map([header]))).to.throw('TERABUS_HEADER_INVALID');
    }
  });

  it('that came twice have their first value', () => {
    expect(
      toHeaders([
        ['A', ['1', '2']],
        ['B', []],
      ]),
    ).to.deep.equal(
      new Map([
        ['A', '1'],
        ['B', ''],
      ]),
    );
  });
});
