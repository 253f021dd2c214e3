import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { expectedOf, runExample } from './support/run-example.js';

const names = ['01-events', '02-rpc', '03-module-messages', '04-own-messages', '05-durable'];

describe('the one-page examples', () => {
  let server: NatsServer;
  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());

  for (const name of names) {
    it(`${name} prints its lines in memory and ends`, async () => {
      const { code, stdout, stderr } = await runExample(name);
      expect(stdout, stderr).to.equal(expectedOf(name));
      expect(code, stderr).to.equal(0);
    });

    it(`${name} prints the same over NATS`, async () => {
      const { code, stdout, stderr } = await runExample(name, { natsUrl: server.url });
      expect(stdout, stderr).to.equal(expectedOf(name));
      expect(code, stderr).to.equal(0);
    });
  }

  it('runs from TypeScript: decorators need no metadata of types', async () => {
    const { code, stdout, stderr } = await runExample('03-module-messages', {
      node: ['--import', 'tsx'],
      file: 'src/run.ts',
    });
    expect(stdout, stderr).to.equal(expectedOf('03-module-messages'));
    expect(code, stderr).to.equal(0);
  });
});
