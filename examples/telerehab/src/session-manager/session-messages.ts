import { Bus } from '@terabus/core';
import type { JoinSessionReplyEvent_ReplyType, SessionEvent } from '@terabus/messages';
import { JoinSessionEvent, JoinSessionReplyEvent, LeaveSessionEvent, StopSessionEvent } from '@terabus/messages';
import { inject, injectable } from 'inversify';
import type { Kind, Member } from '../contracts/kinds.js';
import { kinds } from '../contracts/kinds.js';
import { VIDEO_REHAB_UUID } from '../contracts/session-manager.contract.js';
import { socketEvents } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import type { LiveSession } from './live-session.js';

/** What is said of a session: to each socket that it concerns, and once to the user manager. */
@injectable()
export class SessionMessages {
  constructor(@inject(Bus) private readonly bus: Bus) {}

  /** SM-9: whoever is invited, the lists are whole; only the address is each kind's own. */
  async invite(session: LiveSession, targets: readonly Member[]): Promise<void> {
    const invitationFor = (kind: Kind) =>
      JoinSessionEvent.create({
        sessionUrl: session.urlFor(kind),
        sessionCreatorName: session.stored.creator.name,
        sessionUuid: session.stored.uuid,
        sessionUsers: session.uuidsOf('user'),
        sessionParticipants: session.uuidsOf('participant'),
        sessionDevices: session.uuidsOf('device'),
        joinMsg: 'Join me!',
        sessionParameters: session.parameters,
        serviceUuid: VIDEO_REHAB_UUID,
      });
    for (const target of targets) await this.#tell([target], invitationFor(target.kind));
    const last = targets.at(-1);
    if (last !== undefined) await this.bus.send(UserManager.messages, invitationFor(last.kind));
  }

  async stop(session: LiveSession): Promise<void> {
    await this.#tellAll(
      session.members,
      StopSessionEvent.create({ sessionUuid: session.stored.uuid, serviceUuid: VIDEO_REHAB_UUID }),
    );
  }

  async leave(session: LiveSession, leaving: readonly Member[], listeners: readonly Member[]): Promise<void> {
    const [leavingUsers, leavingParticipants, leavingDevices] = kinds.map((kind) =>
      leaving.filter((member) => member.kind === kind).map(({ uuid }) => uuid),
    );
    await this.#tellAll(
      listeners,
      LeaveSessionEvent.create({
        sessionUuid: session.stored.uuid,
        serviceUuid: VIDEO_REHAB_UUID,
        leavingUsers,
        leavingParticipants,
        leavingDevices,
      }),
    );
  }

  async reply(
    session: LiveSession,
    { kind, uuid }: Member,
    joinReply: JoinSessionReplyEvent_ReplyType,
    replyMsg: string,
  ): Promise<void> {
    await this.#tellAll(
      session.members,
      JoinSessionReplyEvent.create({
        sessionUuid: session.stored.uuid,
        [`${kind}Uuid`]: uuid,
        joinReply,
        replyMsg,
      }),
    );
  }

  async #tellAll(listeners: readonly Member[], event: SessionEvent): Promise<void> {
    await this.#tell(listeners, event);
    await this.bus.send(UserManager.messages, event);
  }

  async #tell(listeners: readonly Member[], event: SessionEvent): Promise<void> {
    for (const { kind, uuid } of listeners) await this.bus.publish(socketEvents[kind]({ uuid }), event);
  }
}
