import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Amounts, measured, smoke, warmUp } from './amounts.js';
import { commandOf, type Request, readArguments } from './arguments.js';
import { inRound } from './order.js';
import { median, quantiles } from './statistics.js';

describe('the command line of the bench', () => {
  const read = (...args: string[]) => readArguments(args, ['events', 'rpc'], ['raw', 'terabus']);

  it('runs everything in five rounds where nothing is said', () => {
    expect(read()).to.deep.equal({
      cases: undefined,
      contenders: undefined,
      rounds: 5,
      smoke: false,
      json: undefined,
      profile: undefined,
      page: undefined,
    });
  });

  it('takes several cases and contenders, with commas or one by one', () => {
    expect(read('--case', 'events,rpc', '--contender', 'raw', '--contender', 'terabus')).to.deep.include({
      cases: ['events', 'rpc'],
      contenders: ['raw', 'terabus'],
    });
  });

  it('has one round in a smoke, and as many as are asked for', () => {
    expect(read('--smoke')).to.deep.include({ smoke: true, rounds: 1 });
    expect(read('--rounds', '7')).to.deep.include({ rounds: 7 });
  });

  it('says what it does not understand', () => {
    expect([
      read('--case', 'event'),
      read('--contender', 'raw,nest'),
      read('--rounds', '0'),
      read('--rounds', 'many'),
    ]).to.deep.equal([
      'there is no case event',
      'there is no contender nest',
      '--rounds is a whole number from 1 to 99, not 0',
      '--rounds is a whole number from 1 to 99, not many',
    ]);
    expect(read('--fast')).to.be.a('string').that.includes('--fast');
  });
});

describe('the command that a page names', () => {
  const commandFor = (withPeers: boolean, ...args: string[]) =>
    commandOf(readArguments(args, ['events', 'rpc'], ['raw', 'terabus']) as Request, withPeers);

  it('has what decides about the figures, and no file of whoever ran it', () => {
    expect(commandFor(true, '--json', 'run.json')).to.equal('npm run bench -- --with-peers');
    expect(commandFor(false)).to.equal('npm run bench');
    expect(commandFor(false, '--case', 'rpc', '--case', 'events', '--contender', 'raw', '--rounds', '3')).to.equal(
      'npm run bench -- --case rpc,events --contender raw --rounds 3',
    );
  });
});

describe('statistics of the bench', () => {
  it('take the value in the middle, and between two their mean', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([10, 9])]).to.deep.equal([2, 2.5, 9.5]);
    expect(median([])).to.be.NaN;
  });

  it('take the times that 50 and 99 of 100 do not exceed, by number, not by text', () => {
    const times = Float64Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantiles(times)).to.deep.equal({ p50: 100, p99: 198 });
    expect(quantiles(Float64Array.of(7))).to.deep.equal({ p50: 7, p99: 7 });
  });
});

describe('rounds of the bench', () => {
  const orders = [0, 1, 2, 3, 4, 5].map((round) => inRound(['a', 'b', 'c'], round).join(''));

  it('have everybody once, each as often at each place', () => {
    const places = [0, 1, 2].map((place) =>
      orders
        .map((order) => order[place])
        .sort()
        .join(''),
    );
    expect(places).to.deep.equal(['aabbcc', 'aabbcc', 'aabbcc']);
  });

  it('let nobody always run behind the same one', () => {
    const before = orders.map((order) => order[order.indexOf('b') - 1]).filter((one) => one !== undefined);
    expect([...new Set(before)].sort()).to.deep.equal(['a', 'c']);
  });

  it('are empty where nobody runs', () => {
    expect(inRound([], 3)).to.deep.equal([]);
  });
});

describe('the warm-up of a measurement', () => {
  /** Runs it where a message takes so many milliseconds; gives the goes, and how many are to be measured. */
  const goes = async (msEach: number, amounts: Amounts) => {
    const counts: number[] = [];
    const wanted = await warmUp(async (count) => {
      counts.push(count);
      return count * msEach;
    }, amounts);
    return { counts, wanted };
  };

  it('grows until it takes its time, and then asks for what takes as long as it should', async () => {
    expect(await goes(0.02, measured)).to.deep.equal({ counts: [1_024, 4_096, 16_384], wanted: 75_008 });
  });

  it('is two goes where these are long already', async () => {
    expect(await goes(1, measured)).to.deep.equal({ counts: [1_024, 4_096], wanted: 1_472 });
  });

  it('asks for no more than the most, and for whole envelopes', async () => {
    expect((await goes(0.000_001, measured)).wanted).to.equal(measured.most);
    expect((await goes(100, measured)).wanted).to.equal(64);
  });

  it('is short in a smoke, whatever the machine', async () => {
    expect(await goes(5, smoke)).to.deep.equal({ counts: [64], wanted: 320 });
  });
});
