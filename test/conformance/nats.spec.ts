import type { StorePlan } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { serviceConformance, streamsConformance, transportConformance } from '@terabus/testing/conformance';
import { after, before, describe } from 'mocha';
import { streamBus } from './stream-bus.js';

const everything = { groups: true, headers: true, noResponders: true, payloadLimit: true, streams: true };

describe('a nats-server', () => {
  let server: NatsServer;
  let cases = 0;

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());

  /** A namespace of its own for each case: nobody else talks there. */
  const open = async () => {
    cases += 1;
    const options = { servers: server.url, namespace: `case${cases}` };
    return {
      connect: () => connectNats(options),
      provision: async (plan: StorePlan) => void (await provision(plan, options)),
      close: async () => {},
    };
  };

  transportConformance('nats', everything, open);
  serviceConformance('nats', everything, open);
  streamsConformance('nats', async () => {
    cases += 1;
    return streamBus(server, `case${cases}`);
  });
});
