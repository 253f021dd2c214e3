import type { Kind, Member } from '../contracts/kinds.js';
import { kinds } from '../contracts/kinds.js';
import type { SessionInfo } from '../contracts/session-manager.contract.js';
import type { StoredSession } from './session-store.js';

/** The lists in which requests name people and devices. */
export interface MemberLists {
  readonly session_users?: readonly string[] | undefined;
  readonly session_participants?: readonly string[] | undefined;
  readonly session_devices?: readonly string[] | undefined;
}

/** Whom a request names, users first, nobody twice. */
export function namedIn(lists: MemberLists): Member[] {
  const byKind = { user: lists.session_users, participant: lists.session_participants, device: lists.session_devices };
  return kinds.flatMap((kind) => [...new Set(byKind[kind])].map((uuid) => ({ kind, uuid })));
}

/** A session that is running: plain state, without a bus. */
export class LiveSession {
  stored: StoredSession;
  /** Names the room of its signalling process. */
  readonly key: string;
  /** JSON, as clients get it. */
  readonly parameters: string;
  /** In milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly #members = { user: new Set<string>(), participant: new Set<string>(), device: new Set<string>() };

  constructor(parts: Pick<LiveSession, 'stored' | 'key' | 'parameters' | 'startedAt'>, members: readonly Member[]) {
    this.stored = parts.stored;
    this.key = parts.key;
    this.parameters = parts.parameters;
    this.startedAt = parts.startedAt;
    for (const member of members) this.add(member);
  }

  /** Users first, as OpenTera always tells them. */
  get members(): Member[] {
    return kinds.flatMap((kind) => this.uuidsOf(kind).map((uuid) => ({ kind, uuid })));
  }

  uuidsOf(kind: Kind): string[] {
    return [...this.#members[kind]];
  }

  has({ kind, uuid }: Member): boolean {
    return this.#members[kind].has(uuid);
  }

  add({ kind, uuid }: Member): void {
    this.#members[kind].add(uuid);
  }

  remove({ kind, uuid }: Member): void {
    this.#members[kind].delete(uuid);
  }

  isCreator({ uuid }: Member): boolean {
    return this.stored.creator.uuid === uuid;
  }

  /** Where members of a kind find the session. Clients append their name to it. */
  urlFor(kind: Kind): string {
    return `https://localhost:40100/webrtc/8080/${kind}s?key=${this.key}`;
  }

  /** As answers to requests show it. */
  get info(): SessionInfo {
    return {
      id_session: this.stored.id,
      session_uuid: this.stored.uuid,
      session_status: this.stored.status,
      session_duration: this.stored.duration,
      session_creator_uuid: this.stored.creator.uuid,
      session_parameters: this.parameters,
      session_key: this.key,
      session_url_users: this.urlFor('user'),
      session_url_participants: this.urlFor('participant'),
      session_url_devices: this.urlFor('device'),
      session_users: this.uuidsOf('user'),
      session_participants: this.uuidsOf('participant'),
      session_devices: this.uuidsOf('device'),
    };
  }
}
