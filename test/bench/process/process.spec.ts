import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setting } from '../cases/case.js';
import { codec as raw } from '../contenders/raw/codec.js';
import { codec as terabus } from '../contenders/terabus/codec.js';
import { DeviceEvent } from '../stock/gen/DeviceEvent.js';
import { contents, numberOf, plainEnvelope, takePlain } from './content.js';
import { Tally } from './tally.js';

const tallied = (lanes: number, numbers: readonly number[]) => {
  const tally = new Tally(lanes);
  for (const n of numbers) tally.take(n);
  return tally.arrived();
};

describe('the tally of the bench', () => {
  it('counts what arrived', () => {
    expect(tallied(1, [0, 1, 2])).to.deep.equal({ received: 3, twice: 0, outOfOrder: 0 });
  });

  it('sees what came twice, and does not count it', () => {
    expect(tallied(1, [0, 1, 1])).to.deep.equal({ received: 2, twice: 1, outOfOrder: 0 });
  });

  it('sees what came behind a later one', () => {
    expect(tallied(1, [0, 2, 1])).to.deep.equal({ received: 3, twice: 0, outOfOrder: 1 });
  });

  it('leaves the lanes their own order', () => {
    expect(tallied(2, [1, 3, 0, 2]).outOfOrder).to.equal(0);
    expect(tallied(2, [3, 0, 1, 2]).outOfOrder).to.equal(1);
    expect(tallied(0, [3, 2, 1, 0]).outOfOrder).to.equal(0);
  });

  it('has room for numbers of any size', () => {
    expect(tallied(1, [70_000, 1_000_000, 1_000_000]).twice).to.equal(1);
  });

  it('tells how much has arrived at each step, and at the end', () => {
    const tally = new Tally(1);
    const told: number[] = [];
    tally.report(4, (received) => told.push(received));
    tally.aim(10);
    for (let n = 0; n < 10; n++) tally.take(n);
    expect(told).to.deep.equal([4, 8, 10]);
  });

  it('resolves when as many have arrived as are waited for', async () => {
    const tally = new Tally(1);
    tally.aim(2);
    const reached = tally.reached();
    tally.take(0);
    tally.take(1);
    expect(await reached).to.be.above(0);
  });

  it('fails when something is missing and nothing comes any more', async () => {
    const tally = new Tally(1, 5);
    tally.aim(3);
    tally.take(0);
    tally.take(2);
    const failure = await tally.reached().catch(({ message }: Error) => message);
    expect(failure).to.equal('2 of 3 messages arrived, and then none for 5 ms');
  });

  it('calls back at a mark, before the end', () => {
    const tally = new Tally(1);
    const marks: number[] = [];
    tally.mark(2, () => marks.push(tally.arrived().received));
    for (let n = 0; n < 3; n++) tally.take(n);
    expect(marks).to.deep.equal([2]);
  });
});

describe('the events of the bench', () => {
  it('have the bytes that they are called by', () => {
    const bytes = (['16 B', '1 KB', '4 KB', '16 KB', '64 KB'] as const).map(
      (payload) => DeviceEvent.encode(contents(payload)(123)).finish().length,
    );
    expect(bytes).to.deep.equal([16, 1_024, 4_096, 16_384, 65_536]);
  });

  it('of 200 B have an envelope of 203 bytes, by whoever encodes it, and are read by all', () => {
    const codecs = [raw(setting({})), terabus(setting({}))];
    const encoded = codecs.map(({ encode }) => encode(4_711));
    expect(encoded.map(({ length }) => length)).to.deep.equal([203, 203]);
    const numbers = encoded.flatMap((bytes) => codecs.map(({ decode }) => decode(bytes)));
    expect(numbers).to.deep.equal([4_711, 4_711, 4_711, 4_711]);
  });

  it('say the same as plain objects, over JSON', () => {
    const envelope = JSON.parse(JSON.stringify(plainEnvelope('bench.events.0000000', contents('200 B')(4_711))));
    const numbers: number[] = [];
    takePlain(envelope, (n) => numbers.push(n));
    expect([envelope.header.topic, numbers]).to.deep.equal(['bench.events.0000000', [4_711]]);
  });

  it('keep their number in the name of the device', () => {
    expect(numberOf(contents('200 B')(12_345_678).deviceName)).to.equal(12_345_678);
  });
});
