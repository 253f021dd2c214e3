import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { Queue } from './queue.js';

describe('a queue', () => {
  let queue: Queue<number>;

  beforeEach(() => {
    queue = new Queue();
  });

  const push = (...items: number[]) => {
    for (const item of items) queue.push(item);
  };
  const shift = (count: number) => Array.from({ length: count }, () => queue.shift());

  it('gives what came first, until it is empty, and again behind that', () => {
    push(1, 2);
    expect(shift(3)).to.deep.equal([1, 2, undefined]);
    push(3);
    expect(queue.length).to.equal(1);
    expect(shift(2)).to.deep.equal([3, undefined]);
    expect(queue.length).to.equal(0);
  });

  it('shows what it holds, and nothing of what it held', () => {
    push(1, 2, 3);
    queue.shift();
    expect([...queue]).to.deep.equal([2, 3]);
    expect(queue.first).to.equal(2);
    shift(2);
    expect([...queue]).to.deep.equal([]);
    expect(queue.first).to.equal(undefined);
  });

  it('keeps its order while it grows, is moved, and falls empty', () => {
    let [pushed, shifted] = [0, 0];
    for (const [more, less] of [
      [5_000, 1_500],
      [10, 1_000],
      [0, 2_500],
      [2_000, 100],
      [1, 1_911],
      [3, 3],
    ] as const) {
      for (let n = 0; n < more; n++) queue.push(pushed++);
      for (let n = 0; n < less; n++) expect(queue.shift()).to.equal(shifted++);
      expect(queue.length).to.equal(pushed - shifted);
      expect([...queue].length).to.equal(pushed - shifted);
      expect(queue.first).to.equal(pushed === shifted ? undefined : shifted);
    }
    expect(queue.shift()).to.equal(undefined);
  });
});
