import { inspect } from 'node:util';
import { headersSize } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decodeHeaders, encodeHeaders, plainHeaders } from './headers.js';

describe('headers on the wire', () => {
  it('are a line each, in UTF-8', () => {
    const block = encodeHeaders(
      new Map([
        ['Terabus-Epoch', '01JG'],
        ['traceparent', 'é'],
      ]),
    );
    expect(Buffer.from(block ?? '', 'latin1').toString()).to.equal(
      'NATS/1.0\r\nTerabus-Epoch: 01JG\r\ntraceparent: é\r\n\r\n',
    );
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

  it('that NATS acts upon are refused', () => {
    for (const name of ['Nats-Rollup', 'NATS-MSG-ID', 'nats-x']) {
      expect(() => encodeHeaders(new Map([[name, 'x']]))).to.throw('TERABUS_HEADER_INVALID');
    }
  });

  const decode = (block: string) => decodeHeaders(new TextEncoder().encode(block));

  it('that came twice have their first value', () => {
    const { headers, status } = decode('NATS/1.0\r\nA: 1\r\nB:\r\na:  é  \r\nA: 2\r\n\r\n');
    expect([...headers]).to.deep.equal([
      ['A', '1'],
      ['B', ''],
      ['a', 'é'],
    ]);
    expect(status).to.equal(undefined);
  });

  it('may be a status of the server', () => {
    expect(decode('NATS/1.0 503\r\n\r\n').status).to.equal(503);
    const beat = decode('NATS/1.0 100  Idle Heartbeat \r\nA: x\r\n\r\n');
    expect([beat.status, beat.description]).to.deep.equal([100, 'Idle Heartbeat']);
  });

  it('that nobody can read are refused', () => {
    for (const block of [
      '',
      'x',
      '\u00ff',
      'NATS/1.0\r\nBad Name: x\r\n\r\n',
      'NATS/1.0\r\n: x',
      'NATS/1.0\r\nA',
      'NATS/2.0',
      'NATS/1.0 503 a\nb\r\n\r\n',
      'NATS/1.0\r\nA: x\nB: y\r\n\r\n',
      'NATS/1.0\r\nA: x\ry\r\n\r\n',
      'NATS/1.0\r\n\r\nA: x\r\n\r\n',
      'NATS/1.0\r\nA: x\r\n\r\nB: y\r\n',
      'NATS/1.0\r\nA: x\r\n\r\n\r\n',
    ]) {
      expect(() => decode(block), block).to.throw('TERABUS_MESSAGE_BAD');
    }
  });

  it('are read once, however long their first line is', function () {
    // Whoever tried all ways to divide it would take several times that.
    this.timeout(3_000);
    expect(() => decode(`NATS/1.0 503${' '.repeat(100_000)}a\nb\r\n\r\n`)).to.throw('TERABUS_MESSAGE_BAD');
  });

  describe('as nearly everybody writes them', () => {
    const plain = (block: string, before = '', behind = '') => {
      const bytes = Buffer.from(before + block + behind);
      return plainHeaders(bytes, Buffer.byteLength(before), bytes.length - Buffer.byteLength(behind));
    };

    it('are what taking them apart says', () => {
      const block = 'NATS/1.0\r\nA: 1\r\nB:\r\nc:  x y  \r\nA: 2\r\nNATS/1.0: :\r\nd:e: f\r\n\r\n';
      const { headers } = decode(block);
      for (const name of [...headers.keys(), 'b', 'x y', '', 'NATS/1.0\r\nA', 'A: 1\r\nB', ' x', '1', 'd:e', 'A:']) {
        const one = plain(block, 'MSG\r\n', '\r\nA: 3\r\n\r\n');
        expect([one?.get(name), one?.has(name)], name).to.deep.equal([headers.get(name), headers.has(name)]);
      }
      const all = plain(block) as ReadonlyMap<string, string>;
      expect([all.size, [...all], [...all.keys()], [...all.values()], [...all.entries()]]).to.deep.equal([
        headers.size,
        [...headers],
        [...headers.keys()],
        [...headers.values()],
        [...headers],
      ]);
      const each: unknown[] = [];
      all.forEach((value, name, map) => {
        each.push([name, value, map === all]);
      });
      expect(each).to.deep.equal([...headers].map(([name, value]) => [name, value, true]));
      expect([all.get('A'), all.has('B')]).to.deep.equal(['1', true]);
      expect(inspect(all)).to.equal(inspect(headers));
    });

    it('are no others: these are judged one by one', () => {
      const others = [
        'NATS/1.0 503\r\n\r\n',
        'NATS/1.1\r\nA: 1\r\n\r\n',
        'NATS/1.0\r\nA: é\r\n\r\n',
        'NATS/1.0\r\nA 1\r\n\r\n',
        'NATS/1.0\r\n: 1\r\n\r\n',
        'NATS/1.0\r\nA : 1\r\n\r\n',
        'NATS/1.0\r\nA: 1\n\r\n\r\n',
        'NATS/1.0\r\nA: 1\r2\r\n\r\n',
        'NATS/1.0\r\nA: 1\r2B: 3\r\n\r\n',
        'NATS/1.0\r\nA: 1\r\n\r\nB: 2\r\n\r\n',
        'NATS/1.0\r\nA: 1\r\n',
        'NATS/1.0\r\nA: 1',
        'NATS/1.0\r\nA',
        'NATS/1.0\r\n',
        'NATS',
        '',
      ];
      for (const block of others) expect(plain(block, '', '\r\n\r\n'), JSON.stringify(block)).to.equal(undefined);
    });
  });
});
