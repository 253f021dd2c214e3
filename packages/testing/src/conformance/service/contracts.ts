import {
  defineModule,
  defineService,
  defineTopic,
  Rpc,
  type RpcContext,
  rpc,
  Service,
  type ServiceClass,
  type ServiceOptions,
  TeraService,
  uuid,
} from '@terabus/core';
import {
  type Any,
  DeviceEvent,
  encodeModuleMessage,
  encodeTeraEvent,
  LogEvent,
  packAny,
  SessionEvent,
  UserEvent,
} from '@terabus/messages';
import { z } from 'zod';

/** A module: its mailbox is tracked. */
export const Desk = defineModule('Conformance.Desk', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [UserEvent, DeviceEvent, SessionEvent] },
});

/** A service: any number of instances. */
export const Office = defineService('Conformance.Office', {
  messages: { types: [UserEvent, DeviceEvent] },
  rpc: {
    add: rpc({ args: [z.number(), z.number()], returns: z.number() }),
    name_of: rpc({ args: [uuid], returns: z.string().nullable() }),
    work: rpc({ args: [z.string()], returns: z.string() }),
  },
});

/** Somebody else, who listens. */
export const Archive = defineService('Conformance.Archive', {});
/** A service of one instance: it may read a tracked mailbox. */
export const Clerk = defineService('Conformance.Clerk', { instances: 'one' });

/** What a case wants the methods of {@link Office} to do. */
export interface OfficeMethods {
  readonly add?: (a: number, b: number) => number | Promise<number>;
  readonly name_of?: (id: string, context: RpcContext) => string | null | Promise<string | null>;
  readonly work?: (what: string, context: RpcContext) => string | Promise<string>;
}

/** A service of {@link Office} for one case. */
export function officeService(methods: OfficeMethods = {}, options: ServiceOptions = {}): ServiceClass {
  @Service(Office, { uses: [notes], ...options })
  class OfficeService extends TeraService {
    @Rpc(Office.rpc.add)
    add(a: number, b: number) {
      return methods.add?.(a, b) ?? a + b;
    }
    @Rpc(Office.rpc.name_of)
    nameOf(id: string, context: RpcContext) {
      return methods.name_of?.(id, context) ?? null;
    }
    @Rpc(Office.rpc.work)
    work(what: string, context: RpcContext) {
      return methods.work?.(what, context) ?? what;
    }
  }
  return OfficeService;
}

export const news = defineTopic('conformance.news.{desk}', {
  wrapper: 'event',
  types: [UserEvent, DeviceEvent, SessionEvent],
});
export const notes = defineTopic('conformance.notes', { wrapper: 'text' });

export const user = (userUuid: string) => UserEvent.create({ userUuid });
export const device = (deviceUuid: string) => DeviceEvent.create({ deviceUuid });

/** An envelope of {@link news} made by hand. */
export function newsBytes(contents: readonly Any[], topic = news({ desk: 'a' }).name): Uint8Array {
  return encodeTeraEvent({ topic, time: 1_735_689_600, events: contents });
}

export const packedUser = (userUuid: string): Any => packAny(UserEvent, user(userUuid));
/** A type that nobody handles. */
export const packedLog = (): Any => packAny(LogEvent, LogEvent.create({ message: 'nobody reads this' }));
/** A type that somebody handles, whose bytes are none. */
export const brokenUser = (): Any => ({ ...packedUser(''), value: new Uint8Array([0xff, 0xff]) });

/** A module message to {@link Desk} made by hand. */
export function deskBytes(
  source: string,
  seq: number,
  contents: readonly Any[],
  dest = Desk.messages.name,
): Uint8Array {
  return encodeModuleMessage({ source, dest, seq, time: 1_735_689_600, data: contents });
}
