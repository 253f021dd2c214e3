import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer, transportConformance } from '@terabus/testing';
import { after, before, describe } from 'mocha';

describe('a nats-server', () => {
  let server: NatsServer;
  let cases = 0;

  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  transportConformance('nats', { groups: true, headers: true, noResponders: true, payloadLimit: true }, async () => {
    cases += 1;
    const options = { servers: server.url, namespace: `case${cases}` };
    return { connect: () => connectNats(options), close: async () => {} };
  });
});
