import { codec, durableHandle, durablePublish, rpc } from './calls.js';
import type { Case } from './case.js';
import { batches, events, latency, messages } from './events.js';
import { handlers, perEnvelope, services, sizes, topics } from './growing.js';
import { growth, idle } from './memory.js';

/** In the order in which a run measures them. */
export const cases: readonly Case[] = [
  codec,
  events,
  batches,
  latency,
  rpc,
  messages,
  durablePublish,
  durableHandle,
  topics,
  handlers,
  services,
  sizes,
  perEnvelope,
  idle,
  growth,
];
