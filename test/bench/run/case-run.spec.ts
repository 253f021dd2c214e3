import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Case } from '../cases/case.js';
import { rowsOf } from '../cases/rows.js';
import { filtered, pathsOf } from './filter.js';
import { hasFailed, type Outside, runCase } from './run.js';

const one: Case = {
  name: 'events',
  title: 'Events',
  explains: 'One publishes, one handles.',
  measurement: 'stream',
  compares: 'perSecond',
  columns: [],
  smoke: 'many',
  variants: [
    { name: 'few', base: '', rows: rowsOf(['raw', 'terabus', 'nest'], {}) },
    { name: 'many', base: '', rows: rowsOf(['raw', 'terabus', 'nest'], { perEnvelope: 16 }) },
  ],
};

/** Runs the case over something that is not measured; gives what was measured, and what became of it. */
async function run(
  asked: Partial<Parameters<typeof runCase>[1]>,
  {
    definition = one,
    absent,
    fails,
  }: { definition?: Case; absent?: string; fails?: (contender: string, before: number) => boolean } = {},
) {
  const log: string[] = [];
  const outside: Outside = {
    measure: async (_, { contender, setting }) => {
      const before = log.filter((line) => line.startsWith(contender)).length;
      log.push(`${contender} ${setting.perEnvelope}`);
      if (fails?.(contender, before)) throw new Error('of 3 events 2 arrived\nand more');
      return { messages: 3, values: { perSecond: before } };
    },
    absence: (contender) => (contender === absent ? 'not installed' : undefined),
    progress: () => {},
  };
  const result = await runCase(definition, { contenders: undefined, rounds: 1, smoke: false, ...asked }, outside);
  const rows = result.variants.flatMap((variant) =>
    variant.rows.map(({ name, samples, trouble }) => `${variant.name}, ${name}: ${trouble ?? samples.length}`),
  );
  return { log, rows, failed: hasFailed(result) };
}

describe('a case of the bench', () => {
  it('measures each variant in rounds that alternate the contenders', async () => {
    const { log } = await run({ rounds: 3 });
    const few = log.filter((line) => line.endsWith(' 1')).map((line) => line.split(' ')[0]);
    expect(few).to.deep.equal(['raw', 'terabus', 'nest', 'terabus', 'nest', 'raw', 'nest', 'raw', 'terabus']);
    expect(log.slice(0, 9).every((line) => line.endsWith(' 1'))).to.equal(true);
  });

  it('alternates its variants too, where they are held against the first', async () => {
    const { log } = await run({ rounds: 2 }, { definition: { ...one, againstFirst: true } });
    const steps = log.map((line) => line.split(' ')[1]).join(' ');
    expect(steps).to.equal('1 1 1 16 16 16 1 1 16 16 16 1');
  });

  it('leaves out what was not asked for', async () => {
    expect((await run({ contenders: ['terabus'] })).log).to.deep.equal(['terabus 1', 'terabus 16']);
  });

  it('says who is not installed, and that is no failure', async () => {
    const { rows, failed } = await run({}, { absent: 'nest' });
    expect(rows).to.include('few, NestJS: not installed');
    expect(failed).to.equal(false);
  });

  it('has no figure of who lost a message, not even that of the rounds before, and goes on with the others', async () => {
    const { log, rows, failed } = await run({ rounds: 3 }, { fails: (who, before) => who === 'raw' && before === 1 });
    expect(rows.slice(0, 2)).to.deep.equal([
      'few, nats.js, stock ts-proto: failed: of 3 events 2 arrived',
      'few, Terabus: 3',
    ]);
    expect(log.filter((line) => line === 'raw 1')).to.have.length(2);
    expect(failed).to.equal(true);
  });

  it('is one variant in a smoke, without peers', async () => {
    expect((await run({ smoke: true })).log).to.deep.equal(['raw 16', 'terabus 16']);
  });

  it('is measured in fewer rounds where it says so', async () => {
    const { log } = await run({ rounds: 5 }, { definition: { ...one, rounds: 1 } });
    expect(log).to.have.length(6);
  });
});

describe('what is asked for of the bench', () => {
  const other: Case = { ...one, name: 'rpc' };
  const left = (...paths: string[]) =>
    filtered([one, other], paths).map(({ name, variants }) => `${name}: ${variants.map((each) => each.name)}`);

  it('is a case, or a variant of one, and stays in its order', () => {
    expect(left('rpc', 'events/many')).to.deep.equal(['events: many', 'rpc: few,many']);
  });

  it('is everything where nothing is said', () => {
    expect(filtered([one, other], undefined)).to.deep.equal([one, other]);
  });

  it('is spelled without spaces', () => {
    const spaced = { ...one, variants: one.variants.map((variant) => ({ ...variant, name: `so ${variant.name}` })) };
    expect(pathsOf([spaced])).to.deep.equal(['events', 'events/sofew', 'events/somany']);
    expect(filtered([spaced], ['events/sofew'])[0]?.variants).to.deep.equal([spaced.variants[0]]);
  });
});
