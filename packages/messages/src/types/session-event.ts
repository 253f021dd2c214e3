import { JoinSessionEvent } from '../gen/JoinSessionEvent.js';
import { JoinSessionReplyEvent } from '../gen/JoinSessionReplyEvent.js';
import { LeaveSessionEvent } from '../gen/LeaveSessionEvent.js';
import { StopSessionEvent } from '../gen/StopSessionEvent.js';
import type { MessageFamily } from './family.js';
import { defineFamily } from './family.js';

/** What is said about a session: an invitation, an answer to one, someone leaving, or its end. */
export type SessionEvent = JoinSessionEvent | JoinSessionReplyEvent | LeaveSessionEvent | StopSessionEvent;

/** The four types of SessionEvent, for one handler that takes them all. */
export const SessionEvent: MessageFamily<SessionEvent> = defineFamily('SessionEvent', [
  JoinSessionEvent,
  JoinSessionReplyEvent,
  LeaveSessionEvent,
  StopSessionEvent,
]);
