import type { EventContext, HandlerContext, RpcContext } from '@terabus/core';
import { BusError, OnEvent, OnMessage, Rpc, Service, TeraService } from '@terabus/core';
import {
  DatabaseEvent,
  DeviceEvent,
  DeviceEvent_EventType,
  JoinSessionReplyEvent_ReplyType,
  ParticipantEvent,
  ServerCommand,
  ServerCommand_CommandType,
  SessionEvent,
  UserEvent,
} from '@terabus/messages';
import { inject } from 'inversify';
import { Database } from '../contracts/database.contract.js';
import type { Kind, Member } from '../contracts/kinds.js';
import { logLines } from '../contracts/logging.contract.js';
import type { PresenceEvent } from '../contracts/presence-event.js';
import { memberOf, says } from '../contracts/presence-event.js';
import { socketCommands } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { Directory } from '../directory/directory.js';
import { BusLog } from '../logger/bus-log.js';
import { disconnectionsBy } from './account-row.js';
import { Announcer } from './announcer.js';
import { Presence } from './presence.js';
import { joining, leaving, replying } from './session-members.js';

/** OpenTera's user manager: its rules UM-1 to UM-10, which the numbers below name. */
@Service(UserManager, { uses: [socketCommands, logLines] })
export class UserManagerService extends TeraService {
  readonly #presence = new Presence();

  constructor(
    @inject(Announcer) private readonly announcer: Announcer,
    @inject(Directory) private readonly directory: Directory,
    @inject(BusLog) private readonly log: BusLog,
  ) {
    super();
  }

  // Who comes and goes. UM-1 and UM-2: it is told to everybody as it was said, also when it changed nothing.

  @OnMessage(UserManager.messages, UserEvent)
  onUser(event: UserEvent, context: HandlerContext) {
    return this.#comeOrGo(event, context);
  }

  @OnMessage(UserManager.messages, ParticipantEvent)
  onParticipant(event: ParticipantEvent, context: HandlerContext) {
    return this.#comeOrGo(event, context);
  }

  @OnMessage(UserManager.messages, DeviceEvent)
  onDevice(event: DeviceEvent, context: HandlerContext) {
    return this.#comeOrGo(event, context);
  }

  async #comeOrGo(event: PresenceEvent, context: HandlerContext): Promise<void> {
    const member = memberOf(event);
    const comes = says(event, 'connected');
    if (!comes && !says(event, 'disconnected')) return;
    if (comes) this.#presence.connect(member);
    else this.#presence.disconnect(member);
    await context.publish(UserManager.events, event);
    await this.log.write('info', UserManager.name, `${member.kind} ${comes ? 'online' : 'offline'} ${member.uuid}`);
  }

  // Who is in which session. UM-3 to UM-6: everybody named is announced, whatever their state was.

  @OnMessage(UserManager.messages, SessionEvent)
  async onSession(event: SessionEvent, context: HandlerContext) {
    switch (event.$type) {
      case 'opentera.protobuf.JoinSessionEvent':
        for (const member of joining(event)) {
          this.#presence.join(member, event.sessionUuid);
          await this.announcer.announce(member, 'joined', context);
        }
        break;
      case 'opentera.protobuf.LeaveSessionEvent':
        await this.#leave(leaving(event), event.sessionUuid, context);
        break;
      case 'opentera.protobuf.StopSessionEvent':
        await this.#leave(this.#presence.membersOf(event.sessionUuid), event.sessionUuid, context);
        break;
      case 'opentera.protobuf.JoinSessionReplyEvent':
        if (event.joinReply !== JoinSessionReplyEvent_ReplyType.REPLY_ACCEPTED)
          await this.#leave(replying(event), event.sessionUuid, context);
        break;
    }
  }

  async #leave(members: readonly Member[], session: string, context: HandlerContext): Promise<void> {
    for (const member of members) {
      this.#presence.leave(member, session);
      await this.announcer.announce(member, 'left', context);
    }
  }

  // UM-10: whose account is disabled or deleted must go. Presence changes when the socket closes.

  @OnEvent(Database.events({ table: 'user' }), DatabaseEvent)
  onUserRow(event: DatabaseEvent, context: EventContext) {
    return this.#disconnect('user', event, context);
  }

  @OnEvent(Database.events({ table: 'participant' }), DatabaseEvent)
  onParticipantRow(event: DatabaseEvent, context: EventContext) {
    return this.#disconnect('participant', event, context);
  }

  @OnEvent(Database.events({ table: 'device' }), DatabaseEvent)
  onDeviceRow(event: DatabaseEvent, context: EventContext) {
    return this.#disconnect('device', event, context);
  }

  async #disconnect(kind: Kind, event: DatabaseEvent, context: EventContext): Promise<void> {
    const { uuid, times } = disconnectionsBy(kind, event);
    const command = ServerCommand.create({ type: ServerCommand_CommandType.CMD_CLIENT_DISCONNECT });
    for (let time = 0; time < times; time++) await context.send(socketCommands({ uuid }), command);
  }

  // What can be asked.

  @Rpc(UserManager.rpc.online_users)
  onlineUsers() {
    return this.#presence.online('user');
  }
  @Rpc(UserManager.rpc.online_participants)
  onlineParticipants() {
    return this.#presence.online('participant');
  }
  @Rpc(UserManager.rpc.online_devices)
  onlineDevices() {
    return this.#presence.online('device');
  }
  @Rpc(UserManager.rpc.busy_users)
  busyUsers() {
    return this.#presence.busy('user');
  }
  @Rpc(UserManager.rpc.busy_participants)
  busyParticipants() {
    return this.#presence.busy('participant');
  }
  @Rpc(UserManager.rpc.busy_devices)
  busyDevices() {
    return this.#presence.busy('device');
  }
  @Rpc(UserManager.rpc.status_users)
  statusUsers() {
    return this.#presence.status('user');
  }
  @Rpc(UserManager.rpc.status_participants)
  statusParticipants() {
    return this.#presence.status('participant');
  }
  @Rpc(UserManager.rpc.status_devices)
  statusDevices() {
    return this.#presence.deviceStatus();
  }

  // UM-9
  @Rpc(UserManager.rpc.update_device_status)
  async updateDeviceStatus(uuid: string, status: string, timestamp: number, context: RpcContext) {
    if (!this.#presence.isOnline({ kind: 'device', uuid })) return null;
    const device = await this.directory.find('device', uuid);
    if (device === undefined) throw new BusError(`no device ${uuid} is known`, { code: 'NOT_FOUND' });
    const said = { status, timestamp };
    if (!this.#presence.report(uuid, said)) return null;
    await context.publish(
      UserManager.events,
      DeviceEvent.create({
        deviceUuid: uuid,
        type: DeviceEvent_EventType.DEVICE_STATUS_CHANGED,
        deviceName: device.name,
        deviceStatus: JSON.stringify(said),
      }),
    );
    return { uuid, ...said };
  }
}
