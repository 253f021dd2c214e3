// What the other fixtures talk about, and what the compiler refuses in contracts themselves.
// Each `@ts-expect-error` guards one mistake: fixtures.spec.ts proves that.
import {
  bytes,
  defineModule,
  defineService,
  defineTopic,
  from,
  json,
  type RpcMethod,
  rpc,
  type Topic,
  uuid,
} from '@terabus/core';
import { DatabaseEvent, DeviceEvent, LogEvent, ParticipantEvent, SessionEvent, UserEvent } from '@terabus/messages';
import { z } from 'zod';

export const Registry = defineModule('Test.Registry', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [UserEvent, DeviceEvent, SessionEvent] },
  rpc: {
    online_devices: rpc({ args: [], returns: z.array(uuid) }),
    update_status: rpc({ args: [uuid, z.string(), z.number()], returns: z.object({ ok: z.boolean() }).nullable() }),
    rename: rpc({ args: [uuid, z.string().optional()], returns: z.void() }),
    store: rpc({ args: [bytes, json(z.object({ tags: z.array(z.string()) }))], returns: z.bigint().optional() }),
  },
});
export const Logging = defineService('Logging', {
  messages: { types: [LogEvent] },
  rpc: { set_loglevel: rpc({ args: [z.string()], returns: z.null() }) },
});
export const Database = defineModule('Test.Database', { events: { types: [DatabaseEvent], suffix: '{table}' } });
export const personEvents = defineTopic('websocket.user.{uuid}.events', {
  wrapper: 'event',
  types: [UserEvent, SessionEvent],
});
export const commands = defineTopic('module.Test.Twisted.events.{uuid}', {
  wrapper: 'module-message',
  types: [SessionEvent],
  tracked: true,
});
export const room = defineTopic('webrtc.{key}', { wrapper: 'text' });
export const blobs = defineTopic('blobs', { wrapper: 'bytes' });
export const participants = defineTopic('participants', { wrapper: 'event', types: [ParticipantEvent] });

export const Orders = defineService('Orders', {
  events: { types: [UserEvent], suffix: '{kind}', durable: true },
  messages: { types: [DeviceEvent], durable: { tries: 3 } },
});
export const notes = defineTopic('notes', { wrapper: 'text', durable: { lastValue: true } });
export const visits = defineTopic('visits.{uuid}', { wrapper: 'event', types: [UserEvent], durable: true });

// Types tell topics from families, and a topic's name.
const events: Topic<'event', UserEvent | DeviceEvent, 'module.Test.Registry.events'> = Registry.events;
const method: RpcMethod<'module.Test.Registry', 'online_devices'> = Registry.rpc.online_devices;
// @ts-expect-error a family is no topic
const noTopic: Topic = personEvents;
// @ts-expect-error the contract has no events
const noEvents: Topic = Logging.events;
// @ts-expect-error the contract has no such method
const noMethod: RpcMethod = Registry.rpc.offline_devices;
// @ts-expect-error a contract without rpc has no methods at all
const noMethods: RpcMethod = Database.rpc.online_devices;

// Parameters of a family: all of them, no others, texts.
personEvents({ uuid: 'u' });
Database.events({ table: 'device' });
// @ts-expect-error the parameter is missing
personEvents({});
// @ts-expect-error the parameter has another name
personEvents({ id: 'u' });
// @ts-expect-error a parameter too many
personEvents({ uuid: 'u', id: 'u' });
// @ts-expect-error a parameter is text
personEvents({ uuid: 7 });
// @ts-expect-error a topic is no family
Registry.events({ uuid: 'u' });
// @ts-expect-error a topic has no pattern over all of its kind
Registry.events.all;

// Options of delivery.
from(Registry.events, { key: (event) => (event.$type === 'opentera.protobuf.UserEvent' ? event.userUuid : '') });
from(personEvents.all, { everyInstance: true, concurrency: 8 });
// @ts-expect-error a family is neither topic nor pattern
from(personEvents, { concurrency: 2 });
// @ts-expect-error the key is one of the topic's messages
from(Registry.events, { key: (event: DatabaseEvent) => event.objectType });
// @ts-expect-error no such option
from(Registry.events, { parallel: 2 });

// Those of durable topics are for these alone.
from(visits.all, { order: 'per-key', key: ({ userUuid }) => userUuid, start: { sequence: 7 }, concurrency: 2 });
from(notes, { deduplicate: true, ackWaitMs: 1_000, maxAckPending: 5, maxUnsettled: 5, maxUnsettledBytes: 1_000 });
from(Orders.events({ kind: 'new' }), { start: 'all' });
from(Orders.messages, { deduplicate: true });
export const anywhere = (topic: Topic) => from(topic, { deduplicate: true });
// @ts-expect-error nothing is tried again
from(Registry.events, { order: 'per-key', key: () => 1 });
// @ts-expect-error nothing comes twice
from(Registry.messages, { deduplicate: true });
// @ts-expect-error there is no past
from(personEvents.all, { start: 'all' });
// @ts-expect-error nothing is given to another instance
from(personEvents({ uuid: 'u' }), { ackWaitMs: 1_000 });
// @ts-expect-error nothing is handed out
from(room.all, { maxAckPending: 5 });
// @ts-expect-error nothing is taken from a stream
from(blobs, { maxUnsettled: 5 });
// @ts-expect-error nor in bytes
from(participants, { concurrency: 2, maxUnsettledBytes: 1_000 });

// Options of topics and contracts.
// @ts-expect-error a topic of messages says which
defineTopic('a', { wrapper: 'event' });
// @ts-expect-error text has no types
defineTopic('a', { wrapper: 'text', types: [UserEvent] });
// @ts-expect-error only module messages are numbered
defineTopic('a', { wrapper: 'event', types: [UserEvent], tracked: true });
// @ts-expect-error no such wrapper
defineTopic('a', { wrapper: 'json', types: [UserEvent] });
// @ts-expect-error no such option of what is stored
defineService('A', { messages: { types: [UserEvent], durable: { retries: 3 } } });
// @ts-expect-error what is stored is so, or is not named
defineService('A', { messages: { types: [UserEvent], durable: false } });
// @ts-expect-error a message is not its type
defineTopic('a', { wrapper: 'event', types: [UserEvent.create({})] });
// @ts-expect-error a method is made by rpc(…)
defineModule('A', { rpc: { ping: { args: [], returns: z.void() } } });
// @ts-expect-error a result is needed
rpc({ args: [] });
// @ts-expect-error arguments are schemas
rpc({ args: ['string'], returns: z.void() });

export const used = [events, method, noTopic, noEvents, noMethod, noMethods];
