import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { figures } from './figures.js';
import { Control } from './run/control.js';
import { holds } from './run/figure.js';
import { Random } from './run/random.js';

/** The soak with small numbers: its counts hold here too. Times and memory are for `npm run soak`. */
describe('Terabus under faults', function () {
  this.timeout(60_000);

  let control: Control;
  before(async () => {
    control = await Control.start();
  });
  after(() => control.stop());

  for (const figure of figures) {
    it(`keeps its promise: ${figure.promise}`, async () => {
      const random = new Random(1).fork(figure.name);
      const { checks, notes } = await figure.measure('small', { random, control, progress: () => {} });
      expect(
        checks.filter((check) => check.kind === 'count' && !holds(check)),
        notes?.join('\n'),
      ).to.deep.equal([]);
      expect(checks.filter(({ kind }) => kind === 'count')).not.to.be.empty;
    });
  }
});
