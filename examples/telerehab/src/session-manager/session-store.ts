import { randomUUID } from 'node:crypto';
import type { Kind } from '../contracts/kinds.js';

/** Whoever created a session; a service can, too. */
export interface Creator {
  readonly kind: Kind | 'service';
  readonly uuid: string;
  readonly name: string;
}

/** A session as it is kept. */
export interface StoredSession {
  readonly id: number;
  readonly uuid: string;
  readonly creator: Creator;
  readonly status: number;
  /** In seconds, over all its runs so far. */
  readonly duration: number;
}

/** OpenTera's numbers of a session's states. */
export const SESSION_STATUS = { inProgress: 1, completed: 2 } as const;

/** OpenTera's numbers of what happens in a session. */
export const SESSION_EVENT = { start: 3, stop: 4, join: 12, leave: 13, joinRefused: 14 } as const;

/** The creator of a new session, by the row's id. */
export interface CreatorId {
  readonly kind: Creator['kind'];
  readonly id: number;
}

/** Keeps sessions and what happened in them. OpenTera does it behind its REST interface; bind what yours does. */
export abstract class SessionStore {
  /** @throws when nobody has that id. */
  abstract create(creator: CreatorId): Promise<StoredSession>;
  abstract find(id: number): Promise<StoredSession | undefined>;
  abstract update(id: number, changes: Partial<Pick<StoredSession, 'status' | 'duration'>>): Promise<StoredSession>;
  abstract addEvent(id: number, event: { readonly type: number; readonly text?: string }): Promise<void>;
}

/** Forgets all when the process ends. */
export class InMemorySessionStore extends SessionStore {
  /** What happened, for tests and for the curious. */
  readonly events: { readonly id: number; readonly type: number; readonly text?: string }[] = [];
  readonly #sessions = new Map<number, StoredSession>();
  readonly #creators: readonly (Creator & { readonly id: number })[];

  constructor(creators: readonly (Creator & { readonly id: number })[]) {
    super();
    this.#creators = creators;
  }

  override async create({ kind, id }: CreatorId): Promise<StoredSession> {
    const creator = this.#creators.find((each) => each.kind === kind && each.id === id);
    if (creator === undefined) throw new Error(`there is no ${kind} with the id ${id}`);
    const session = {
      id: this.#sessions.size + 1,
      uuid: randomUUID(),
      creator,
      status: SESSION_STATUS.inProgress,
      duration: 0,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  override async find(id: number): Promise<StoredSession | undefined> {
    return this.#sessions.get(id);
  }

  override async update(id: number, changes: Partial<StoredSession>): Promise<StoredSession> {
    const known = this.#sessions.get(id);
    if (known === undefined) throw new Error(`there is no session ${id}`);
    const session = { ...known, ...changes };
    this.#sessions.set(id, session);
    return session;
  }

  override async addEvent(id: number, event: { readonly type: number; readonly text?: string }): Promise<void> {
    this.events.push({ id, ...event });
  }
}
