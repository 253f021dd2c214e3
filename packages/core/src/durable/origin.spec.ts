import { expect } from 'chai';
import { describe, it } from 'mocha';
import { thrown } from '../service/stage.spec.js';
import { derivedId, timeOf } from './derived-id.js';
import { formatOrigin, parseOrigin } from './origin.js';
import { retryDelayMs } from './retry-delay.js';

describe('an origin', () => {
  for (const [origin, text] of [
    [{ stream: 'visits.{ward}', sequence: 7, index: 0 }, 'visits.%7Bward%7D/7/0'],
    [{ stream: 'a/b c-ü', sequence: 1, index: undefined }, 'a%2Fb%20c-%C3%BC/1/-'],
  ] as const) {
    it(`is told as ${text}, and read again`, () => {
      expect(formatOrigin(origin)).to.equal(text);
      expect(parseOrigin(text)).to.deep.equal(origin);
    });
  }

  for (const text of [undefined, '', 'a/0/1', 'a/1', 'a/1/x', '/1/0', '%E0/1/0', 'a/1/0/0']) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(thrown(() => parseOrigin(text)).reason).to.equal('TERABUS_MESSAGE_MISPLACED');
    });
  }
});

describe('the id of what is published in answer', () => {
  it('is a ULID of the time of what it answers, and the same for the same answer alone', () => {
    const time = Date.UTC(2025, 0, 1);
    const of = (id: string, n: number) => derivedId({ id, time }, n);
    const id = of('visits/1/0 handler', 1);
    expect(id).to.match(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(id.slice(0, 10)).to.equal('01JGFJJZ00');
    expect(of('visits/1/0 handler', 1)).to.equal(id);
    const others = [of('visits/1/0 handler', 2), of('visits/1/1 handler', 1)];
    expect(new Set([id, ...others]).size).to.equal(3);
  });
});

describe('the time of a message id', () => {
  it('is what a ULID says, and the same for all that are none', () => {
    expect(['01JGFJJZ000000000000000001', 'order 17'].map(timeOf)).to.deep.equal([Date.UTC(2025, 0, 1), 0]);
  });
});

describe('the wait before the next try', () => {
  it('doubles up to 5 minutes, less up to a quarter by chance', () => {
    const delays = (random: number) => [1, 2, 3, 9, 10, 99].map((tries) => retryDelayMs(tries, 1_000, () => random));
    expect(delays(0)).to.deep.equal([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
    expect(delays(1)).to.deep.equal([750, 1_500, 3_000, 192_000, 225_000, 225_000]);
  });
});
