import {
  DeviceEvent,
  DeviceEvent_EventType,
  ParticipantEvent,
  ParticipantEvent_EventType,
  UserEvent,
  UserEvent_EventType,
} from '@terabus/messages';
import type { Member } from './kinds.js';

/** What happened to somebody. OpenTera has a message for each kind, with fields and numbers of its own. */
export type PresenceEvent = UserEvent | ParticipantEvent | DeviceEvent;

/** What can have happened, whatever the kind. */
export type Happening = 'connected' | 'disconnected' | 'joined' | 'left';

const types = {
  user: {
    connected: UserEvent_EventType.USER_CONNECTED,
    disconnected: UserEvent_EventType.USER_DISCONNECTED,
    joined: UserEvent_EventType.USER_JOINED_SESSION,
    left: UserEvent_EventType.USER_LEFT_SESSION,
  },
  participant: {
    connected: ParticipantEvent_EventType.PARTICIPANT_CONNECTED,
    disconnected: ParticipantEvent_EventType.PARTICIPANT_DISCONNECTED,
    joined: ParticipantEvent_EventType.PARTICIPANT_JOINED_SESSION,
    left: ParticipantEvent_EventType.PARTICIPANT_LEFT_SESSION,
  },
  device: {
    connected: DeviceEvent_EventType.DEVICE_CONNECTED,
    disconnected: DeviceEvent_EventType.DEVICE_DISCONNECTED,
    joined: DeviceEvent_EventType.DEVICE_JOINED_SESSION,
    left: DeviceEvent_EventType.DEVICE_LEFT_SESSION,
  },
} as const;

/** Names as events carry them; project and site are a participant's. */
interface Names {
  readonly name: string;
  readonly project?: string;
  readonly site?: string;
}

/** The event that this happened to somebody. Without names they are empty. */
export function presenceEvent({ kind, uuid }: Member, what: Happening, names: Names = { name: '' }): PresenceEvent {
  const { name, project = '', site = '' } = names;
  switch (kind) {
    case 'user':
      return UserEvent.create({ userUuid: uuid, type: types.user[what], userFullname: name });
    case 'participant':
      return ParticipantEvent.create({
        participantUuid: uuid,
        type: types.participant[what],
        participantName: name,
        participantProjectName: project,
        participantSiteName: site,
      });
    case 'device':
      return DeviceEvent.create({ deviceUuid: uuid, type: types.device[what], deviceName: name });
  }
}

/** Whom an event is about. */
export function memberOf(event: PresenceEvent): Member {
  switch (event.$type) {
    case 'opentera.protobuf.UserEvent':
      return { kind: 'user', uuid: event.userUuid };
    case 'opentera.protobuf.ParticipantEvent':
      return { kind: 'participant', uuid: event.participantUuid };
    case 'opentera.protobuf.DeviceEvent':
      return { kind: 'device', uuid: event.deviceUuid };
  }
}

/** Whether an event says that this happened. */
export const says = (event: PresenceEvent, what: Happening): boolean =>
  event.type === types[memberOf(event).kind][what];
