import { from, OnEvent, Rpc, Service, TeraService } from '@terabus/core';
import { DeviceEvent, ParticipantEvent, UserEvent } from '@terabus/messages';
import { inject } from 'inversify';
import type { PresenceEvent } from '../contracts/presence-event.js';
import { memberOf, says } from '../contracts/presence-event.js';
import type { SessionAnswer, SessionRequest } from '../contracts/session-manager.contract.js';
import { VideoRehab } from '../contracts/session-manager.contract.js';
import { signalling, socketEvents } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { Directory } from '../directory/directory.js';
import type { LiveSession } from './live-session.js';
import { SessionActions } from './session-actions.js';
import { SessionMessages } from './session-messages.js';
import { Turns } from './turns.js';

const { user, participant, device } = socketEvents;

/** Each takes its turn as it arrives: one that waited for the one before would come behind calls that arrived later. */
const presence = from(UserManager.events, { concurrency: 1_000 });

/** OpenTera's session manager without its web pages: its rules SM-1 to SM-9. */
@Service(VideoRehab, { uses: [UserManager, signalling, user, participant, device] })
export class SessionManagerService extends TeraService {
  /** Calls, presence and rooms arrive side by side, but each finds the sessions as the one before left them. */
  readonly #turns = new Turns();

  constructor(
    @inject(SessionActions) private readonly actions: SessionActions,
    @inject(SessionMessages) private readonly messages: SessionMessages,
    @inject(Directory) private readonly directory: Directory,
  ) {
    super();
  }

  @Rpc(VideoRehab.rpc.session_manage)
  manage({ session_manage: request }: { session_manage: SessionRequest }): Promise<SessionAnswer | null> {
    return this.#turns.next(() => this.#act(request));
  }

  async #act(request: SessionRequest): Promise<SessionAnswer | null> {
    switch (request.action) {
      case 'start':
        return this.actions.start(request, (session) => this.#turns.next(() => this.#inviteAll(session)));
      case 'stop':
        return this.actions.stop(request);
      case 'invite':
        return this.actions.invite(request);
      case 'remove':
        return this.actions.remove(request);
      case 'invite_reply':
        return this.actions.invite_reply(request);
    }
  }

  /** SM-2: the room is ready. */
  async #inviteAll(session: LiveSession): Promise<void> {
    if (this.actions.live.includes(session)) await this.messages.invite(session, session.members);
  }

  // SM-7: who comes back is invited again; without its creator a session ends.

  @OnEvent(presence, UserEvent)
  onUser(event: UserEvent) {
    return this.#turns.next(() => this.#onPresence(event));
  }

  @OnEvent(presence, ParticipantEvent)
  onParticipant(event: ParticipantEvent) {
    return this.#turns.next(() => this.#onPresence(event));
  }

  @OnEvent(presence, DeviceEvent)
  onDevice(event: DeviceEvent) {
    return this.#turns.next(() => this.#onPresence(event));
  }

  async #onPresence(event: PresenceEvent): Promise<void> {
    const member = memberOf(event);
    for (const session of this.actions.live) {
      const isCreator = session.isCreator(member);
      if (says(event, 'connected') && (isCreator || session.has(member))) await this.messages.invite(session, [member]);
      if (says(event, 'disconnected') && isCreator) await this.actions.end(session);
    }
  }

  // What forms and pages ask for.

  @Rpc(VideoRehab.rpc.session_type_config)
  sessionTypeConfig(): Record<string, unknown> {
    return {};
  }

  @Rpc(VideoRehab.rpc.participant_info)
  async participantInfo(uuid: string): Promise<Record<string, unknown>> {
    return { ...(await this.directory.find('participant', uuid)) };
  }
}
