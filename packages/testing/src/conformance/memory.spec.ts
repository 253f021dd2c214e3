import { MemoryBroker, VirtualClock } from '@terabus/core/memory';
import { serviceConformance, streamsConformance, transportConformance } from './index.js';

const everything = { groups: true, headers: true, noResponders: true, payloadLimit: true, streams: true };

transportConformance('memory', everything, async () => {
  // Cases throw on purpose; what the broker says about it is its own spec's business.
  const broker = new MemoryBroker({ onError: () => {} });
  // All of one name, as the replicas of a service are.
  return { connect: async () => broker.connect({ name: 'replica' }), close: () => broker.close() };
});

serviceConformance('memory', everything, async () => {
  const clock = new VirtualClock();
  const broker = new MemoryBroker({ clock });
  return {
    clock,
    connect: async () => broker.connect(),
    provision: async (plan) => broker.provision(plan),
    close: () => broker.close(),
  };
});

streamsConformance('memory', async () => {
  const clock = new VirtualClock();
  // Cases throw on purpose.
  const broker = new MemoryBroker({ clock, onError: () => {} });
  return {
    clock,
    connect: async () => broker.connect(),
    close: () => broker.close(),
    provision: async (plan) => broker.provision(plan),
    deleteStream: async (name) => broker.deleteStream(name),
    deleteConsumer: async (stream, consumer) => broker.deleteConsumer(stream, consumer),
    updateStream: async (name, changes) => broker.updateStream(name, changes),
    interrupt: async () => {
      broker.interrupt();
      return async () => broker.restore();
    },
  };
});
