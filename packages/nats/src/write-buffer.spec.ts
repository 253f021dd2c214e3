import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { WriteBuffer } from './write-buffer.js';

describe('what is written to a link', () => {
  let writes: Uint8Array[][];
  let output: WriteBuffer;
  let now: number;

  beforeEach(() => {
    writes = [];
    now = 0;
    output = new WriteBuffer(
      (...pieces) => writes.push(pieces),
      () => now,
    );
  });

  const text = () => writes.map((pieces) => Buffer.concat(pieces).toString('latin1'));
  const add = (head: string, content = '', urgent = false) => output.add(`${head}\r\n`, Buffer.from(content), urgent);
  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));

  it('goes in one write, frame by frame', async () => {
    add('PUB a 1', '1');
    add('PUB b 0');
    expect(writes).to.have.length(0);
    await loopTurned();
    expect(text()).to.deep.equal(['PUB a 1\r\n1\r\nPUB b 0\r\n\r\n']);
  });

  it('goes before whoever awaits it goes on, who may compute for long', async () => {
    add('PUB a 0');
    await Promise.resolve();
    expect(writes).to.have.length(1);
  });

  it('waits for whoever awaits each before the next one', async () => {
    for (let n = 0; n < 10; n++) {
      add('PUB a 0');
      await Promise.resolve();
    }
    await loopTurned();
    expect(writes).to.have.length(2);
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

  describe('in a stream of messages', () => {
    const some = 'x'.repeat(10_000);
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn++) await loopTurned();
    };

    beforeEach(async () => {
      add('PUB a 10000', some);
      await loopTurned();
      writes = [];
    });

    it('waits for more for a few turns, and no longer', async () => {
      add('PUB b 1', '1');
      await turns(2);
      expect(writes).to.have.length(0);
      add('PUB c 1', '2');
      await turns(4);
      expect(text()).to.deep.equal(['PUB b 1\r\n1\r\nPUB c 1\r\n2\r\n']);
    });

    it('waits no longer than until enough is there', async () => {
      for (let n = 0; n < 5; n++) add('PUB b 10000', some);
      await loopTurned();
      expect(writes).to.have.length(1);
    });

    it('is not waited for by what is urgent', async () => {
      add('PUB b 1', '1');
      await loopTurned();
      add('PUB c 1', '2', true);
      await new Promise((resolve) => queueMicrotask(() => process.nextTick(() => process.nextTick(resolve))));
      expect(text()).to.deep.equal(['PUB b 1\r\n1\r\nPUB c 1\r\n2\r\n']);
    });

    it('is none any more when the last write is some time ago, or was small', async () => {
      now = 2;
      add('PUB b 1', '1');
      await loopTurned();
      add('PUB c 1', '2');
      await loopTurned();
      expect(writes).to.have.length(2);
    });
  });
});
