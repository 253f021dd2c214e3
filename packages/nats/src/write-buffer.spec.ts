import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
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

  afterEach(() => output.flush());

  const text = () => writes.map((pieces) => Buffer.concat(pieces).toString('latin1'));
  const add = (command: string, content = '', urgent = false) =>
    output.add(`${command} `, '', Buffer.from(content), urgent);
  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));

  it('goes in one write, frame by frame', async () => {
    add('PUB a', '1');
    add('PUB b');
    expect(writes).to.have.length(0);
    await loopTurned();
    expect(text()).to.deep.equal(['PUB a 1\r\n1\r\nPUB b 0\r\n\r\n']);
  });

  it('goes before whoever awaits it goes on, who may compute for long', async () => {
    add('PUB a');
    await Promise.resolve();
    expect(writes).to.have.length(1);
  });

  it('waits for whoever awaits each before the next one', async () => {
    for (let n = 0; n < 10; n++) {
      add('PUB a');
      await Promise.resolve();
    }
    await loopTurned();
    expect(writes).to.have.length(2);
  });

  it('goes in each turn of the event loop', async () => {
    add('PUB a');
    await loopTurned();
    add('PUB b');
    await loopTurned();
    expect(text()).to.deep.equal(['PUB a 0\r\n\r\n', 'PUB b 0\r\n\r\n']);
  });

  it('goes at once where something is to come behind it', async () => {
    add('PUB a');
    output.flush();
    expect(text()).to.deep.equal(['PUB a 0\r\n\r\n']);
    await loopTurned();
    expect(writes).to.have.length(1);
  });

  it('says how large the headers are, and all of it', () => {
    for (const length of [0, 9, 10, 99, 100, 9_999, 10_000]) {
      output.add('HPUB a ', 'NATS/1.0\r\nA: 1\r\n\r\n', Buffer.alloc(length, 'x'), false);
      output.flush();
      const frame = `HPUB a 18 ${18 + length}\r\nNATS/1.0\r\nA: 1\r\n\r\n${'x'.repeat(length)}\r\n`;
      expect(text().at(-1)).to.equal(frame);
    }
  });

  it('takes each character of a block of headers for a byte', () => {
    output.add('HPUB a ', 'NATS/1.0\r\nA: \u00c3\u00a9\r\n\r\n', Buffer.alloc(0), false);
    output.flush();
    expect(Buffer.concat(writes[0] ?? []).includes(Buffer.from('A: é\r\n'))).to.equal(true);
  });

  it('is never written again: a socket may still hold it', () => {
    const content = 'x'.repeat(1_000);
    const kept: Buffer[] = [];
    for (let n = 0; n < 200; n++) {
      add(`PUB ${n}`, content);
      output.flush();
      kept.push(Buffer.concat(writes.at(-1) ?? []));
    }
    expect(writes.map((pieces) => Buffer.concat(pieces).toString())).to.deep.equal(kept.map(String));
    expect(kept.at(-1)?.toString()).to.equal(`PUB 199 1000\r\n${content}\r\n`);
  });

  it('keeps its order around what is too large for a copy', () => {
    const large = 'y'.repeat(200_000);
    add('PUB a', '1');
    add('PUB b', large);
    output.add('HPUB c ', 'NATS/1.0\r\n\r\n', Buffer.from(large), false);
    add('PUB d', '2');
    output.flush();
    expect(text().join('')).to.equal(
      `PUB a 1\r\n1\r\nPUB b 200000\r\n${large}\r\nHPUB c 12 200012\r\nNATS/1.0\r\n\r\n${large}\r\nPUB d 1\r\n2\r\n`,
    );
  });

  it('is whole wherever the memory of many ends', () => {
    const largest = 16_000;
    for (let beside = -40; beside <= 40; beside++) {
      const frames: string[] = [];
      const put = (length: number) => {
        output.add('HPUB ward.events ', 'NATS/1.0\r\n\r\n', Buffer.alloc(length, 'x'), false);
        frames.push(`HPUB ward.events 12 ${12 + length}\r\nNATS/1.0\r\n\r\n${'x'.repeat(length)}\r\n`);
      };
      output = new WriteBuffer(
        (...pieces) => writes.push(pieces),
        () => now,
      );
      writes = [];
      for (let n = 0; n < 8; n++) put(largest);
      put(131_072 - frames.join('').length - 40 + beside);
      put(3);
      output.flush();
      expect(text().join('') === frames.join(''), `${beside} bytes beside the end`).to.equal(true);
    }
  });

  it('goes when as much is there as fits, also in the middle of a turn', () => {
    for (let n = 0; n < 200; n++) add('PUB a', 'z'.repeat(1_000));
    expect(writes).to.have.length(1);
  });

  describe('in a stream of messages', () => {
    const some = 'x'.repeat(10_000);
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn++) await loopTurned();
    };

    beforeEach(async () => {
      add('PUB a', some);
      await loopTurned();
      writes = [];
    });

    it('waits for more for a few turns, and no longer', async () => {
      add('PUB b', '1');
      await turns(2);
      expect(writes).to.have.length(0);
      add('PUB c', '2');
      await turns(8);
      expect(text()).to.deep.equal(['PUB b 1\r\n1\r\nPUB c 1\r\n2\r\n']);
    });

    it('waits no longer than until enough is there', async () => {
      for (let n = 0; n < 10; n++) add('PUB b', some);
      await loopTurned();
      expect(writes).to.have.length(1);
    });

    it('is not waited for by what is urgent', async () => {
      add('PUB b', '1');
      await loopTurned();
      add('PUB c', '2', true);
      await new Promise((resolve) => queueMicrotask(() => process.nextTick(() => process.nextTick(resolve))));
      expect(text()).to.deep.equal(['PUB b 1\r\n1\r\nPUB c 1\r\n2\r\n']);
    });

    it('waits also behind something urgent that was too large to be copied', async () => {
      add('PUB b', 'y'.repeat(200_000), true);
      add('PUB c', '1');
      await turns(2);
      expect(text().at(-1)).not.to.contain('PUB c');
    });

    it('is none any more when the last write is some time ago, or was small', async () => {
      now = 2;
      add('PUB b', '1');
      await loopTurned();
      add('PUB c', '2');
      await loopTurned();
      expect(writes).to.have.length(2);
    });
  });
});
