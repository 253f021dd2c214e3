import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { WriteBuffer } from './write-buffer.js';

describe('what is written to a link', () => {
  let writes: Uint8Array[][];
  let output: WriteBuffer;

  beforeEach(() => {
    writes = [];
    output = new WriteBuffer((...pieces) => writes.push(pieces));
  });

  const text = () => writes.map((pieces) => Buffer.concat(pieces).toString('latin1'));
  const add = (head: string, content = '') => output.add(`${head}\r\n`, Buffer.from(content));
  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));

  it('goes in one write, frame by frame', async () => {
    add('PUB a 1', '1');
    add('PUB b 0');
    expect(writes).to.have.length(0);
    await loopTurned();
    expect(text()).to.deep.equal(['PUB a 1\r\n1\r\nPUB b 0\r\n\r\n']);
  });

  it('waits for whoever awaits each before the next one', async () => {
    for (let n = 0; n < 10; n++) {
      add('PUB a 0');
      await Promise.resolve();
    }
    await loopTurned();
    expect(writes).to.have.length(1);
  });

  it('goes in each turn of the event loop', async () => {
    add('PUB a 0');
    await loopTurned();
    add('PUB b 0');
    await loopTurned();
    expect(text()).to.deep.equal(['PUB a 0\r\n\r\n', 'PUB b 0\r\n\r\n']);
  });

  it('goes at once where something is to come behind it', async () => {
    add('PUB a 0');
    output.flush();
    expect(text()).to.deep.equal(['PUB a 0\r\n\r\n']);
    await loopTurned();
    expect(writes).to.have.length(1);
  });

  it('takes each character of a head for a byte', () => {
    add('HPUB a 16 16\r\nNATS/1.0\r\nA: \u00c3\u00a9');
    output.flush();
    expect(Buffer.concat(writes[0] ?? []).includes(Buffer.from('A: é\r\n'))).to.equal(true);
  });

  it('is never written again: a socket may still hold it', () => {
    const content = 'x'.repeat(1_000);
    const kept: Buffer[] = [];
    for (let n = 0; n < 200; n++) {
      add(`PUB ${n} 1000`, content);
      output.flush();
      kept.push(Buffer.concat(writes.at(-1) ?? []));
    }
    expect(writes.map((pieces) => Buffer.concat(pieces).toString())).to.deep.equal(kept.map(String));
    expect(kept.at(-1)?.toString()).to.equal(`PUB 199 1000\r\n${content}\r\n`);
  });

  it('keeps its order around what is too large for a copy', () => {
    const large = 'y'.repeat(100_000);
    add('PUB a 1', '1');
    add('PUB b 100000', large);
    add('PUB c 1', '2');
    output.flush();
    expect(text().join('')).to.equal(`PUB a 1\r\n1\r\nPUB b 100000\r\n${large}\r\nPUB c 1\r\n2\r\n`);
  });

  it('goes when as much is there as fits, also in the middle of a turn', () => {
    for (let n = 0; n < 100; n++) add('PUB a 1000', 'z'.repeat(1_000));
    expect(writes).to.have.length(1);
  });
});
