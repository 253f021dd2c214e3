import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type ConformanceCase, givenBy, listCases, neverRun } from './case-list.js';

const NOTHING = { groups: false, headers: false, noResponders: false, payloadLimit: false, streams: false };

describe('the list of conformance cases', () => {
  const listed: ConformanceCase[] = [];
  let inner: Mocha.Suite | undefined;

  describe('of a suite', function () {
    inner = describe('with headers', () => {
      it('runs what is always promised', () => {});
      givenBy(NOTHING)('headers')('leaves out what is not', async () => expect.fail('it was run all the same'));
      givenBy({ ...NOTHING, groups: true })('groups')('runs what is promised', async () => {});
    });
    listCases('services', 'nothing', this, listed);
  });

  it('has every case, and says which are run', () => {
    expect(listed.map(({ title, runs }) => `${title}: ${runs}`)).to.deep.equal([
      'with headers: runs what is always promised: true',
      'with headers: leaves out what is not: false',
      'with headers: runs what is promised: true',
    ]);
    expect(inner?.tests.map(({ title }) => title)).to.deep.equal([
      'runs what is always promised',
      'runs what is promised',
    ]);
  });

  it('shows what is run nowhere, however many transports there are', () => {
    const common = { suite: 'services', title: 'a' } as const;
    expect(
      neverRun([
        { ...common, over: 'one', runs: false },
        { ...common, over: 'two', runs: true },
        { ...common, over: 'one', title: 'b', runs: false },
        { ...common, over: 'two', title: 'b', runs: false },
        { ...common, over: 'one', suite: 'transport', runs: false },
      ]),
    ).to.deep.equal(['services: b', 'transport: a']);
  });
});
