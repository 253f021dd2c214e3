import { MemoryBroker } from '@terabus/core/memory';
import { transportConformance } from './index.js';

transportConformance('memory', { groups: true, headers: true, noResponders: true, payloadLimit: true }, async () => {
  // Cases throw on purpose; what the broker says about it is its own spec's business.
  const broker = new MemoryBroker({ onError: () => {} });
  return { connect: async () => broker.connect(), close: () => broker.close() };
});
