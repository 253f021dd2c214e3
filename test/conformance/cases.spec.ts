import { conformanceCases, neverRun } from '@terabus/testing/conformance';
import { expect } from 'chai';
import { describe, it } from 'mocha';

describe('the conformance suites', () => {
  it('have no case that is run over no transport', () => {
    // All files are loaded by now, so all adoptions are known. A failing case fails the run by itself, and neither
    // skipped nor exclusive cases are allowed (.mocharc.json): what is registered is run.
    expect(neverRun(conformanceCases())).to.deep.equal([]);
  });
});
