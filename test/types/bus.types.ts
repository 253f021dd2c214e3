// What the compiler refuses when a service publishes, sends, subscribes and calls, and what it must let through.
import {
  type BatchingPublisher,
  type Bus,
  type EventContext,
  type HandlerContext,
  type OpenBus,
  Service,
  type Stored,
  TeraService,
  type Topic,
  type TrackedContext,
} from '@terabus/core';
import { DatabaseEvent, DeviceEvent, LogEvent, ParticipantEvent, SessionEvent, UserEvent } from '@terabus/messages';
import {
  blobs,
  commands,
  Database,
  Logging,
  notes,
  Orders,
  participants,
  personEvents,
  Registry,
  room,
  visits,
} from './contracts.types.js';

const user = UserEvent.create({});
const device = DeviceEvent.create({});

/** Everything here has to compile. */
@Service(Registry)
export class GoodService extends TeraService {
  async publishes(context: HandlerContext): Promise<void> {
    await this.publish(Registry.events, device);
    await this.publish(personEvents({ uuid: 'u' }), user, { headers: { 'X-Own': 'yes' } });
    await this.publishAll(Registry.events, [user, device]);
    await this.publish(room({ key: 'k' }), 'Ready!');
    await this.publish(blobs, new Uint8Array());
    await this.send(Registry.messages, device);
    await this.send(commands({ uuid: 'u' }), SessionEvent.members[0]?.create({}) as SessionEvent);
    await context.publish(Registry.events, user);
    await context.publishAll(Registry.events, [user]);
    await context.send(Registry.messages, user);
  }
  async calls(context: HandlerContext): Promise<string> {
    const [first = ''] = await this.client(Registry).online_devices({ timeoutMs: 500 });
    const status = await context.client(Registry).update_status('u', 's', 1);
    await this.client(Registry).rename('u');
    await this.client(Registry).rename('u', undefined, { signal: context.signal });
    const stored = await this.client(Registry).store(new Uint8Array(), { tags: ['a'] });
    return `${first}${status?.ok}${stored?.toString()}`;
  }
  async subscribes(): Promise<void> {
    const subscription = await this.subscribe(personEvents.all, UserEvent, async (event, context: EventContext) => {
      event.userUuid.concat(context.topic);
    });
    await this.subscribe(Registry.messages, SessionEvent, (event, context) => `${event.$type} ${context.seq}`);
    await this.subscribe(room.all, (text) => text.trim());
    await this.subscribe(blobs, (bytes) => bytes.length);
    await subscription.stop();
  }
}

@Service(Registry)
export class BadPublisher extends TeraService {
  publishes(context: EventContext) {
    return [
      // @ts-expect-error the topic does not carry the message
      this.publish(Registry.events, ParticipantEvent.create({})),
      // @ts-expect-error a type is no message
      this.publish(Registry.events, UserEvent),
      // @ts-expect-error a topic of text carries text
      this.publish(room({ key: 'k' }), new Uint8Array()),
      // @ts-expect-error a family is not one topic
      this.publish(personEvents, user),
      // @ts-expect-error nobody publishes to a pattern
      this.publish(personEvents.all, user),
      // @ts-expect-error a mailbox is sent to
      this.publish(Registry.messages, device),
      // @ts-expect-error events are published
      this.send(Registry.events, device),
      // @ts-expect-error the mailbox does not carry the message
      this.send(Registry.messages, LogEvent.create({})),
      // @ts-expect-error nobody sends to a pattern
      this.send(commands.all, SessionEvent.members[0]?.create({}) as SessionEvent),
      // @ts-expect-error one of the messages is another
      this.publishAll(Registry.events, [user, DatabaseEvent.create({})]),
      // @ts-expect-error text has no envelope for several
      this.publishAll(room({ key: 'k' }), ['a', 'b']),
      // @ts-expect-error the contract has no events
      this.publish(Logging.events, LogEvent.create({})),
      // @ts-expect-error headers are texts
      this.publish(Registry.events, user, { headers: { 'X-Own': 1 } }),
      // @ts-expect-error the topic does not carry the message, in a context neither
      context.publish(Registry.events, ParticipantEvent.create({})),
      // @ts-expect-error events are published, in a context too
      context.send(Registry.events, device),
    ];
  }
}

/** What fills envelopes knows what they carry, and where they are stored. */
@Service(Orders)
export class BatchingService extends TeraService {
  readonly #early = this.batching(Registry.events, { maxMessages: 64, maxBytes: 9_000, lingerMs: 5, confirm: true });
  async batches(bus: OpenBus & Bus): Promise<number> {
    await this.#early.publish(device);
    const people: undefined = await this.batching(personEvents).publish(personEvents({ uuid: 'u' }), user);
    const stored: Stored = await this.batching(visits, { timeoutMs: 5_000 }).publish(visits({ uuid: 'u' }), user);
    const one: Stored = await bus.batching(visits({ uuid: 'u' })).publish(user);
    await bus.batching(personEvents).flush();
    const publisher: BatchingPublisher<UserEvent | DeviceEvent> = this.#early;
    return people ?? (publisher === this.#early ? stored.sequence : one.sequence);
  }
  batchesNot(context: HandlerContext) {
    return [
      // @ts-expect-error the topic does not carry the message
      this.#early.publish(ParticipantEvent.create({})),
      // @ts-expect-error of a family the topic is told
      this.batching(personEvents).publish(user),
      // @ts-expect-error it is a topic of another family
      this.batching(personEvents).publish(visits({ uuid: 'u' }), user),
      // @ts-expect-error the family does not carry the message
      this.batching(personEvents).publish(personEvents({ uuid: 'u' }), ParticipantEvent.create({})),
      // @ts-expect-error text has no envelope for several
      this.batching(room({ key: 'k' })),
      // @ts-expect-error nobody publishes to a pattern
      this.batching(personEvents.all),
      // @ts-expect-error what is sent to mailboxes is numbered one by one
      this.batching(Registry.messages),
      // @ts-expect-error an envelope has an id of its own
      this.batching(Registry.events, { messageId: 'id' }),
      // @ts-expect-error messages of an envelope may have several causes
      context.batching(Registry.events),
    ];
  }
}

/** What goes to durable topics tells where it is stored, and nothing else does. */
@Service(Orders)
export class StoringService extends TeraService {
  async stores(bus: OpenBus, context: HandlerContext, either: Topic<'text', string>): Promise<number> {
    const { sequence, duplicate } = await this.publish(Orders.events({ kind: 'k' }), user);
    const sent: Stored = await this.send(Orders.messages, device, { messageId: 'id', timeoutMs: 5_000, ordered: true });
    const all: Stored | undefined = await this.publishAll(visits({ uuid: 'u' }), [user]);
    const opened: Stored = await bus.publish(notes, 'text');
    const handled: Stored = await context.publish(notes, 'text');
    const nothing: undefined = await this.publish(room({ key: 'k' }), 'text');
    const maybe: Stored | undefined = await this.publish(either, 'text');
    return duplicate || nothing || maybe || all ? sequence : sent.sequence + opened.sequence + handled.sequence;
  }
  async storesNot(context: HandlerContext) {
    return [
      // @ts-expect-error the topic is not durable
      (await this.publish(room({ key: 'k' }), 'text')).sequence,
      // @ts-expect-error the mailbox is not durable
      (await this.send(Registry.messages, device)).sequence,
      // @ts-expect-error the topic is not durable, in a context neither
      (await context.publish(participants, ParticipantEvent.create({}))).sequence,
      // @ts-expect-error of no messages nothing is stored
      (await this.publishAll(visits({ uuid: 'u' }), [])).sequence,
      // @ts-expect-error a message id is a text
      this.publish(notes, 'text', { messageId: 7 }),
    ];
  }
}

@Service(Registry)
export class BadCaller extends TeraService {
  async calls(context: TrackedContext) {
    return [
      // @ts-expect-error no such method
      this.client(Registry).offline_devices(),
      // @ts-expect-error an argument is missing
      this.client(Registry).update_status('u', 's'),
      // @ts-expect-error another argument
      this.client(Registry).update_status('u', 's', '1'),
      // @ts-expect-error an argument too many
      this.client(Registry).rename('u', 'name', {}, 'more'),
      // @ts-expect-error the options come last
      this.client(Registry).update_status({ timeoutMs: 1 }, 'u', 's', 1),
      // @ts-expect-error no such option
      this.client(Registry).online_devices({ timeout: 500 }),
      // @ts-expect-error the structure is another
      this.client(Registry).store(new Uint8Array(), { tags: [1] }),
      // @ts-expect-error a topic is no contract
      this.client(Registry.events),
      // @ts-expect-error the result is a promise
      this.client(Registry).online_devices().length,
      // @ts-expect-error the result is a list of texts
      (await this.client(Registry).online_devices())[0] satisfies number,
      // @ts-expect-error the result may be null
      (await this.client(Registry).update_status('u', 's', 1)).ok,
      // @ts-expect-error no such method, in a context neither
      context.client(Registry).offline_devices(),
    ];
  }
}

@Service(Registry)
export class BadSubscriber extends TeraService {
  subscribes() {
    return [
      // @ts-expect-error the parameter is another message
      this.subscribe(Registry.events, UserEvent, (event: DeviceEvent) => event),
      // @ts-expect-error the topic does not carry the type
      this.subscribe(Registry.events, ParticipantEvent, () => {}),
      // @ts-expect-error a family is called, or its .all is taken
      this.subscribe(personEvents, UserEvent, () => {}),
      // @ts-expect-error text has no types
      this.subscribe(room.all, UserEvent, () => {}),
      // @ts-expect-error events have a type
      this.subscribe(Registry.events, () => {}),
      // @ts-expect-error events are not tracked
      this.subscribe(Registry.events, UserEvent, (_event, context: TrackedContext) => context),
    ];
  }
}

/** A class that says in its type what it uses. */
@Service(Logging, { uses: [Registry, personEvents, participants] })
export class DeclaringService extends TeraService<
  typeof Logging,
  typeof Registry | typeof personEvents | typeof participants
> {
  async uses(bus: Bus): Promise<void> {
    await this.publish(personEvents({ uuid: 'u' }), user);
    await this.publish(participants, ParticipantEvent.create({}));
    await this.batching(participants).publish(ParticipantEvent.create({}));
    await this.batching(personEvents).publish(personEvents({ uuid: 'u' }), user);
    await this.send(Registry.messages, device);
    await this.send(Logging.messages, LogEvent.create({}));
    await this.client(Registry).online_devices();
    await this.subscribe(personEvents.all, UserEvent, () => {});
    await this.subscribe(Registry.events, UserEvent, () => {});
    await bus.publish(room({ key: 'k' }), 'a bus of no type may all');
  }
  usesMore() {
    return [
      // @ts-expect-error the topic is neither its own nor in its uses
      this.publish(room({ key: 'k' }), 'text'),
      // @ts-expect-error nor is this one
      this.publish(Database.events({ table: 't' }), DatabaseEvent.create({})),
      // @ts-expect-error the topic is neither its own nor in its uses
      this.publishAll(Database.events({ table: 't' }), []),
      // @ts-expect-error the topic is neither its own nor in its uses
      this.batching(Database.events({ table: 't' })),
      // @ts-expect-error the family is neither its own nor in its uses
      this.batching(Database.events),
      // @ts-expect-error the mailbox is neither its own nor in its uses
      this.send(commands({ uuid: 'u' }), SessionEvent.members[0]?.create({}) as SessionEvent),
      // @ts-expect-error nobody speaks on the events of another
      this.publish(Registry.events, user),
      // @ts-expect-error the contract is neither its own nor in its uses
      this.client(Database),
      // @ts-expect-error the pattern is neither its own nor in its uses
      this.subscribe(room.all, () => {}),
      // @ts-expect-error the pattern is neither its own nor in its uses
      this.subscribe(Database.events.all, DatabaseEvent, () => {}),
    ];
  }
}

/** A class that says in its type that it calls one method. */
@Service(Logging, { uses: [Registry.rpc.online_devices] })
export class OneMethodService extends TeraService<typeof Logging, typeof Registry.rpc.online_devices> {
  async uses(): Promise<void> {
    await this.client(Registry).online_devices();
  }
  usesMore() {
    return [
      // @ts-expect-error a method is not the mailbox of its contract
      this.send(Registry.messages, device),
      // @ts-expect-error the contract is not in its uses
      this.client(Database),
    ];
  }
}

// @ts-expect-error what the class says in its type is not in its uses
@Service(Logging, { uses: [Database] })
export class OtherUses extends TeraService<typeof Logging, typeof Registry> {}

/** A class that says in its type that it uses nothing: what is its own needs no word. */
@Service(Registry)
export class SelfContained extends TeraService<typeof Registry, never> {
  async work(): Promise<void> {
    await this.publish(Registry.events, user);
    await this.send(Registry.messages, device);
    await this.subscribe(Registry.events, UserEvent, () => {});
    // @ts-expect-error the topic is neither its own nor in its uses
    await this.publish(personEvents({ uuid: 'u' }), user);
  }
}

// @ts-expect-error the class says in its type that it serves another contract
@Service(Logging)
export class OtherContract extends TeraService<typeof Registry, never> {}
