// nats.js with stock code of ts-proto: what somebody would write by hand.
import { serveContender } from '../../process/serve-contender.js';
import { codec } from './codec.js';
import { handle, store } from './durable.js';
import { events } from './events.js';
import { messages } from './messages.js';
import { rpc } from './rpc.js';

serveContender({ events, messages, rpc, store, handle, codec });
