import type { Contender } from '../../process/contender.js';
import { codec } from './codec.js';
import { handle, store } from './durable.js';
import { events } from './events.js';
import type { Flavor } from './flavor.js';
import { messages } from './messages.js';
import { rpc } from './rpc.js';

/** Terabus, with what is switched on. */
export const terabus = (flavor: Flavor): Contender => ({
  events: events(flavor),
  messages: messages(flavor),
  rpc: rpc(flavor),
  store: store(flavor),
  handle: handle(flavor),
  codec,
});
