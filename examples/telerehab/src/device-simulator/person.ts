import type { SessionEvent } from '@terabus/messages';
import { JoinSessionReplyEvent_ReplyType } from '@terabus/messages';
import type { Kind } from '../contracts/kinds.js';
import type { Entry } from '../directory/directory.js';

/** Somebody of the cast with a socket: what reached it, and how it answers. */
export class Person {
  readonly kind: Kind;
  readonly uuid: string;
  readonly name: string;
  /** Whether everybody was told that this one is online. */
  online = false;
  /** Whether it is in a session already that nobody here knows of. */
  busyElsewhere = false;
  /** What reached the socket in this scenario. */
  readonly received: SessionEvent[] = [];
  readonly #answered = new Set<string>();

  constructor({ kind, uuid, name }: Entry) {
    this.kind = kind;
    this.uuid = uuid;
    this.name = name;
  }

  /** How many events of a type reached the socket. */
  count(type: SessionEvent['$type']): number {
    return this.received.filter(({ $type }) => $type === type).length;
  }

  /** Whether an answer is due: invitations are repeated, answers are not. */
  answersTo(session: string): boolean {
    const isFirst = !this.#answered.has(session);
    this.#answered.add(session);
    return isFirst;
  }

  get answer(): JoinSessionReplyEvent_ReplyType {
    return this.busyElsewhere
      ? JoinSessionReplyEvent_ReplyType.REPLY_BUSY
      : JoinSessionReplyEvent_ReplyType.REPLY_ACCEPTED;
  }

  /** As a new scenario finds it. */
  reset(): void {
    this.online = false;
    this.received.length = 0;
    this.#answered.clear();
  }
}
