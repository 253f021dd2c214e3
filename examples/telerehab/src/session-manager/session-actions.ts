import { randomUUID } from 'node:crypto';
import { Clock } from '@terabus/core';
import { JoinSessionReplyEvent_ReplyType } from '@terabus/messages';
import { inject, injectable } from 'inversify';
import type { Member } from '../contracts/kinds.js';
import { kinds } from '../contracts/kinds.js';
import type { RequestFor, SessionAnswer } from '../contracts/session-manager.contract.js';
import { LiveSession, namedIn } from './live-session.js';
import { Rooms } from './rooms.js';
import { SessionMessages } from './session-messages.js';
import type { CreatorId, StoredSession } from './session-store.js';
import { SESSION_EVENT, SESSION_STATUS, SessionStore } from './session-store.js';

const failed = (error_text: string): SessionAnswer => ({ status: 'error', error_text });

/** What can be done to sessions, one at a time: the caller sees to that. Rules SM-1 to SM-6 of OpenTera. */
@injectable()
export class SessionActions {
  /** By the id of the session. */
  readonly #live = new Map<number, LiveSession>();

  constructor(
    @inject(SessionStore) private readonly store: SessionStore,
    @inject(SessionMessages) private readonly messages: SessionMessages,
    @inject(Rooms) private readonly rooms: Rooms,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  get live(): readonly LiveSession[] {
    return [...this.#live.values()];
  }

  /** SM-1. Nobody is invited yet: that is done when the room says that it is ready (SM-2). */
  async start(request: RequestFor<'start'>, onReady: (session: LiveSession) => unknown): Promise<SessionAnswer> {
    const stored = await this.#stored(request);
    if (typeof stored === 'string') return failed(stored);
    for (const other of this.live) {
      if (other.stored.creator.uuid === stored.creator.uuid) await this.end(other);
    }
    const parameters = jsonOf(request.parameters);
    const startedAt = this.clock.now();
    const session = new LiveSession({ stored, key: randomUUID(), parameters, startedAt }, namedIn(request));
    await this.rooms.open(session.key, () => onReady(session));
    try {
      session.stored = await this.store.update(stored.id, { status: SESSION_STATUS.inProgress });
      await this.store.addEvent(stored.id, { type: SESSION_EVENT.start });
    } catch (error) {
      this.rooms.close(session.key);
      throw error;
    }
    this.#live.set(stored.id, session);
    return { status: 'started', session: session.info };
  }

  /** SM-3. */
  async stop({ id_session }: RequestFor<'stop'>): Promise<SessionAnswer> {
    const session = this.#live.get(id_session);
    if (session === undefined) return failed('no matching session is running');
    await this.end(session);
    return { status: 'stopped', session: session.info };
  }

  /** SM-4. Everybody is told, so that all have the whole lists. */
  async invite({ id_session, ...lists }: RequestFor<'invite'>): Promise<SessionAnswer | null> {
    const session = this.#live.get(id_session);
    if (session === undefined) return null;
    const strangers = namedIn(lists).filter((member) => !session.has(member));
    await this.#note(session, SESSION_EVENT.join, strangers);
    for (const member of strangers) session.add(member);
    await this.messages.invite(session, session.members);
    return { status: 'invited', session: session.info };
  }

  /** SM-5. Whoever leaves hears of it too. */
  async remove({ id_session, ...lists }: RequestFor<'remove'>): Promise<SessionAnswer | null> {
    const session = this.#live.get(id_session);
    if (session === undefined) return null;
    const listeners = session.members;
    const leaving = namedIn(lists).filter((member) => session.has(member));
    await this.#note(session, SESSION_EVENT.leave, leaving);
    for (const member of leaving) session.remove(member);
    if (leaving.length > 0) await this.messages.leave(session, leaving, listeners);
    return { status: 'removed', session: session.info };
  }

  /** SM-6. */
  async invite_reply({ id_session, parameters }: RequestFor<'invite_reply'>): Promise<SessionAnswer | null> {
    const session = this.#live.get(id_session);
    if (session === undefined) return null;
    const { reply_code: code, reply_msg: message = '' } = parameters;
    const replier = kinds
      .map((kind): Member => ({ kind, uuid: parameters[`${kind}_uuid`] ?? '' }))
      .find(({ uuid }) => uuid !== '');
    if (replier === undefined) return failed('the reply does not say whose it is');
    if (!session.has(replier) && !session.isCreator(replier))
      return failed('the reply is of somebody who was not asked');
    if (code !== JoinSessionReplyEvent_ReplyType.REPLY_ACCEPTED) {
      if (session.isCreator(replier)) {
        await this.end(session);
        return failed('the creator refused to join');
      }
      await this.#note(session, SESSION_EVENT.joinRefused, [replier]);
      session.remove(replier);
    }
    await this.messages.reply(session, replier, code, message);
    return { status: 'OK', session: session.info };
  }

  /** The store first: when it fails, the session goes on and can be stopped again. */
  async end(session: LiveSession): Promise<void> {
    const { id, duration } = session.stored;
    const seconds = Math.round((this.clock.now() - session.startedAt) / 1_000);
    await this.store.addEvent(id, { type: SESSION_EVENT.stop });
    session.stored = await this.store.update(id, { status: SESSION_STATUS.completed, duration: duration + seconds });
    this.#live.delete(id);
    this.rooms.close(session.key);
    await this.messages.stop(session);
  }

  async #note(session: LiveSession, type: number, members: readonly Member[]): Promise<void> {
    for (const { kind, uuid } of members) {
      await this.store.addEvent(session.stored.id, { type, text: `${capitalized(kind)}: ${uuid}` });
    }
  }

  /** The session that a request starts, or why it can't. */
  async #stored(request: RequestFor<'start'>): Promise<StoredSession | string> {
    if (request.id_session !== 0) {
      return (await this.store.find(request.id_session)) ?? `there is no session ${request.id_session}`;
    }
    const creator = creatorOf(request);
    if (creator === undefined) return 'a new session needs a creator';
    return this.store.create(creator).catch((error: Error) => error.message);
  }
}

function creatorOf(request: RequestFor<'start'>): CreatorId | undefined {
  for (const kind of [...kinds, 'service'] as const) {
    const id = request[`id_creator_${kind}`];
    if (id !== undefined) return { kind, id };
  }
  return undefined;
}

const jsonOf = (parameters: string | Record<string, unknown> = {}): string =>
  typeof parameters === 'string' ? parameters || '{}' : JSON.stringify(parameters);

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
