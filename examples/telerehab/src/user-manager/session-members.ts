import type { JoinSessionEvent, JoinSessionReplyEvent, LeaveSessionEvent } from '@terabus/messages';
import type { Kind, Member } from '../contracts/kinds.js';

const members = (kind: Kind, uuids: readonly string[]): Member[] => uuids.map((uuid) => ({ kind, uuid }));

/** Whom an invitation names: users, participants, devices. */
export const joining = (event: JoinSessionEvent): Member[] => [
  ...members('user', event.sessionUsers),
  ...members('participant', event.sessionParticipants),
  ...members('device', event.sessionDevices),
];

/** Who leaves, in the same order. */
export const leaving = (event: LeaveSessionEvent): Member[] => [
  ...members('user', event.leavingUsers),
  ...members('participant', event.leavingParticipants),
  ...members('device', event.leavingDevices),
];

/** Who answers: one, as all senders do it, but the message has room for three. */
export const replying = (event: JoinSessionReplyEvent): Member[] => [
  ...members('user', event.userUuid ? [event.userUuid] : []),
  ...members('participant', event.participantUuid ? [event.participantUuid] : []),
  ...members('device', event.deviceUuid ? [event.deviceUuid] : []),
];
