// What the compiler refuses of handlers, and what it must let through.
import {
  type DurableContext,
  type DurableTrackedContext,
  type EventContext,
  from,
  type HandlerContext,
  OnEvent,
  OnMessage,
  OnPayload,
  Rpc,
  type RpcContext,
  Service,
  TeraService,
  type TrackedContext,
  Use,
} from '@terabus/core';
import {
  DatabaseEvent,
  DeviceEvent,
  type JoinSessionEvent,
  ParticipantEvent,
  SessionEvent,
  StopSessionEvent,
  UserEvent,
} from '@terabus/messages';
import { z } from 'zod';
import {
  blobs,
  commands,
  Database,
  Logging,
  notes,
  Orders,
  personEvents,
  Registry,
  room,
  visits,
} from './contracts.types.js';

const never = (value: never): never => value;

/** A class may begin without members. */
@Service(Registry, { uses: [personEvents, Logging] })
export class EmptyService extends TeraService {}

/** Everything here has to compile. */
@Use((next) => (message, context) => next(message, context))
@Service(Registry, {
  uses: [personEvents, Logging, Logging.rpc.set_loglevel, Database.events],
  rpc: { concurrency: 8 },
})
export class GoodService extends TeraService {
  @OnEvent(Database.events({ table: 'device' }), DatabaseEvent)
  onRow(event: DatabaseEvent, context: EventContext): string {
    return `${event.objectType} ${context.time ?? 0}`;
  }
  @OnEvent(Database.events.all, DatabaseEvent)
  async onAsync(event: DatabaseEvent): Promise<void> {
    event.objectType.trim();
  }
  @OnEvent(from(personEvents.all, { everyInstance: true }), UserEvent)
  onNothing(): void {}
  @OnEvent(from(personEvents({ uuid: 'u' }), { concurrency: 2 }), SessionEvent)
  @Use((next) => next)
  protected onAnyContext(_event: SessionEvent, context: HandlerContext): void {
    context.logger.info(context.topic);
  }
  @OnMessage(Registry.messages, SessionEvent)
  onSession(event: SessionEvent, context: TrackedContext): string | number {
    context.seq.toFixed();
    switch (event.$type) {
      case 'opentera.protobuf.JoinSessionEvent':
        return event.sessionParameters;
      case 'opentera.protobuf.JoinSessionReplyEvent':
        return event.replyMsg;
      case 'opentera.protobuf.LeaveSessionEvent':
        return event.leavingUsers.length;
      case 'opentera.protobuf.StopSessionEvent':
        return event.serviceUuid;
      default:
        return never(event);
    }
  }
  @OnPayload(room.all)
  private onRoom(text: string, context: EventContext): void {
    text.concat(context.topic);
  }
  @OnPayload(blobs)
  async onBlob(bytes: Uint8Array): Promise<number> {
    return bytes.length + this.onRoom.length;
  }
  @Rpc(Registry.rpc.online_devices)
  onlineDevices(context: RpcContext): string[] {
    return [String(context.callId)];
  }
  @Rpc(Registry.rpc.update_status)
  async updateStatus(uuid: string, status: string, _at: number) {
    return uuid === status ? null : { ok: true };
  }
  @Rpc(Registry.rpc.rename)
  rename(_uuid: string, name: string | undefined): void {
    name?.trim();
  }
  @Rpc(Registry.rpc.store)
  async store(bytes: Uint8Array, structure: { tags: string[] }, context: RpcContext): Promise<bigint | undefined> {
    return context.remainingMs > bytes.length + structure.tags.length ? 1n : undefined;
  }
}

@Service(Registry)
export class BadMessages extends TeraService {
  // @ts-expect-error the parameter is another message
  @OnEvent(Registry.events, UserEvent)
  anotherMessage(_event: DeviceEvent): void {}
  // @ts-expect-error the topic does not carry the type
  @OnEvent(Registry.events, ParticipantEvent)
  notCarried(): void {}
  // @ts-expect-error the family has a member that the topic does not carry
  @OnEvent(Registry.events, SessionEvent)
  familyNotCarried(): void {}
  // @ts-expect-error of a family comes any member
  @OnMessage(Registry.messages, SessionEvent)
  oneOfFamily(_event: JoinSessionEvent): void {}
  // @ts-expect-error a third parameter gets nothing
  @OnEvent(Registry.events, UserEvent)
  threeParameters(_event: UserEvent, _context: EventContext, _more: string): void {}
  // @ts-expect-error text is not bytes
  @OnPayload(room.all)
  anotherPayload(_bytes: Uint8Array): void {}
  // @ts-expect-error a type is needed
  @OnEvent(Registry.events)
  noType(): void {}
  @OnMessage(Registry.messages, SessionEvent)
  notNarrowed(event: SessionEvent): unknown {
    // @ts-expect-error not every member of the family has it
    return event.joinMsg;
  }
  @OnMessage(commands({ uuid: 'u' }), SessionEvent)
  notExhaustive(event: SessionEvent): unknown {
    if (event.$type === StopSessionEvent.$type) return undefined;
    // @ts-expect-error three members are left
    return never(event);
  }
}

@Service(Registry)
export class BadSources extends TeraService {
  // @ts-expect-error a mailbox carries module messages
  @OnEvent(Registry.messages, DeviceEvent)
  eventsOfMailbox(_event: DeviceEvent): void {}
  // @ts-expect-error events are no module messages
  @OnMessage(Registry.events, DeviceEvent)
  messagesOfEvents(_event: DeviceEvent): void {}
  // @ts-expect-error text has no types
  @OnEvent(room.all, UserEvent)
  eventsOfText(_event: UserEvent): void {}
  // @ts-expect-error events are no text
  @OnPayload(Registry.events)
  payloadOfEvents(): void {}
  // @ts-expect-error a family is called, or its .all is taken
  @OnEvent(personEvents, UserEvent)
  ofFamily(_event: UserEvent): void {}
  // @ts-expect-error a contract is no topic
  @OnEvent(Registry, UserEvent)
  ofContract(_event: UserEvent): void {}
}

@Service(Registry)
export class BadContexts extends TeraService {
  // @ts-expect-error events are not tracked
  @OnEvent(Registry.events, UserEvent)
  trackedEvent(_event: UserEvent, _context: TrackedContext): void {}
  // @ts-expect-error a message is no call
  @OnMessage(Registry.messages, DeviceEvent)
  calledMessage(_event: DeviceEvent, _context: RpcContext): void {}
  // @ts-expect-error module messages have another context than events
  @OnMessage(Registry.messages, UserEvent)
  eventContext(_event: UserEvent, _context: EventContext): void {}
  // @ts-expect-error a call is no event
  @Rpc(Registry.rpc.online_devices)
  eventCall(_context: EventContext): string[] {
    return [];
  }
}

@Service(Registry)
export class BadCalls extends TeraService {
  // @ts-expect-error another argument
  @Rpc(Registry.rpc.update_status)
  anotherArgument(_uuid: number): null {
    return null;
  }
  // @ts-expect-error an argument too many
  @Rpc(Registry.rpc.online_devices)
  tooManyArguments(_context: RpcContext, _more: string): string[] {
    return [];
  }
  // @ts-expect-error an optional argument may be undefined
  @Rpc(Registry.rpc.rename)
  optionalArgument(_uuid: string, _name: string): void {}
  // @ts-expect-error another result
  @Rpc(Registry.rpc.online_devices)
  anotherResult(): number[] {
    return [];
  }
  // @ts-expect-error another result, later
  @Rpc(Registry.rpc.online_devices)
  async anotherResultLater(): Promise<string> {
    return '';
  }
  // @ts-expect-error no result
  @Rpc(Registry.rpc.update_status)
  noResult(): void {}
  // @ts-expect-error a contract is not a method of it
  @Rpc(Registry)
  ofContract(): void {}
  // @ts-expect-error a signature has no place yet
  @Rpc(z.void())
  ofSchema(): void {}
}

export class Misplaced extends TeraService {
  // @ts-expect-error handlers are methods of an instance
  @OnEvent(Registry.events, UserEvent)
  static ofClass(_event: UserEvent): void {}
  // @ts-expect-error calls are answered by methods of an instance
  @Rpc(Registry.rpc.online_devices)
  static answersOfClass(): string[] {
    return [];
  }
  // @ts-expect-error a property is no method
  @OnEvent(Registry.events, UserEvent)
  property = (_event: UserEvent): void => {};
  // @ts-expect-error a handler is called with a message, not read
  @OnEvent(Registry.events, UserEvent)
  get accessor(): number {
    return 1;
  }
}

/** Where a message is stored is told to handlers of durable topics alone. */
@Service(Registry, { uses: [visits] })
export class DurableService extends TeraService {
  @OnEvent(visits.all, UserEvent)
  onVisit(_event: UserEvent, { durable, time }: DurableContext): number {
    return durable.sequence + durable.attempt + (time ?? 0);
  }
  @OnEvent(from(visits({ uuid: 'u' }), { concurrency: 2 }), UserEvent)
  onOne(_event: UserEvent, context: DurableContext): number {
    return context.durable.storedAt;
  }
  @OnEvent(visits({ uuid: 'v' }), UserEvent)
  onLess(_event: UserEvent, context: EventContext): number | undefined {
    return context.durable?.sequence;
  }
  @OnMessage(Orders.messages, DeviceEvent)
  onMessage(_event: DeviceEvent, { durable, seq }: DurableTrackedContext): number {
    return durable.index + seq;
  }
  @OnPayload(notes)
  onNote(_text: string, { durable }: DurableContext): boolean {
    return durable.replayed;
  }
  // @ts-expect-error the topic is not durable
  @OnEvent(Registry.events, UserEvent)
  onCore(_event: UserEvent, _context: DurableContext): void {}
  // @ts-expect-error the topic is not durable, with options neither
  @OnEvent(from(personEvents.all, { concurrency: 2 }), UserEvent)
  onCoreOptions(_event: UserEvent, _context: DurableContext): void {}
  // @ts-expect-error the mailbox is not durable
  @OnMessage(Registry.messages, DeviceEvent)
  onCoreMessage(_event: DeviceEvent, _context: DurableTrackedContext): void {}
  // @ts-expect-error text of a topic that is not durable
  @OnPayload(room.all)
  onCoreText(_text: string, _context: DurableContext): void {}
}

export class Outside {
  // @ts-expect-error the class is no TeraService
  @OnEvent(Registry.events, UserEvent)
  onEvent(_event: UserEvent): void {}
  // @ts-expect-error the class is no TeraService
  @OnMessage(Registry.messages, UserEvent)
  onMessage(_event: UserEvent): void {}
  // @ts-expect-error the class is no TeraService
  @OnPayload(blobs)
  onPayload(_bytes: Uint8Array): void {}
  // @ts-expect-error the class is no TeraService
  @Rpc(Registry.rpc.online_devices)
  onlineDevices(): string[] {
    return [];
  }
}

// @ts-expect-error the class is no TeraService
@Service(Registry)
export class NoService {}

// @ts-expect-error a topic is no contract
@Service(Registry.events)
export class TopicService extends TeraService {}

// @ts-expect-error no such option
@Service(Registry, { using: [] })
export class UnknownOption extends TeraService {}

// @ts-expect-error a pattern is more than one may declare: uses takes its family
@Service(Registry, { uses: [personEvents.all] })
export class UsesPattern extends TeraService {}
