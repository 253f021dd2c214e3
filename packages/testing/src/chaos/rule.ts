import { matches } from '@terabus/core/transport';
import { checkDirection, type Direction } from './direction.js';
import type { Frame } from './frame-reader.js';
import { checkedProbability, type SeededRandom } from './seeded-random.js';

/** A message that matches a rule's pattern. */
export interface RuleMessage {
  /** Which of the rule's messages it is, from 1, over all connections. */
  readonly n: number;
  readonly subject: string;
  readonly replyTo: string | undefined;
  /** The block of headers as it stands on the wire; empty without. */
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
}

/** Options of a rule. */
export interface RuleOptions {
  /**
   * Where it looks: at what clients publish, which is the default, or at what is delivered to them, where each
   * subscription has a copy of its own.
   */
  readonly on?: Direction;
  /**
   * Which of the messages that match: a test, or a probability from 0 to 1, drawn from the proxy's seed. All by default.
   */
  readonly which?: number | ((message: RuleMessage) => boolean);
  /** What is to be remembered of a message as its `id`, such as a part of its payload. Nothing by default. */
  readonly id?: (message: RuleMessage) => string;
}

/** A message that a rule did something to. */
export interface RuleHit {
  /** Which of the rule's messages it was, from 1. */
  readonly n: number;
  readonly subject: string;
  /** What {@link RuleOptions.id} said. */
  readonly id?: string;
  /** Of a message that was swapped: the one that came behind it and went in front of it. */
  readonly with?: Omit<RuleHit, 'with'>;
}

/** What a rule does to messages. */
export type RuleAction = 'drop' | 'duplicate' | 'swap';

/** A rule of a proxy. */
export interface Rule {
  readonly action: RuleAction;
  readonly pattern: string;
  /** How many messages matched the pattern so far. */
  readonly matched: number;
  /** What was dropped, duplicated or swapped, in order. */
  readonly hits: readonly RuleHit[];
  /** Ends the rule. A message that waits for the one to be swapped with goes on its way. */
  remove(): void;
}

/** A message that waits for the next one. */
interface Waiting {
  readonly frame: Frame;
  readonly hit: RuleHit;
}

/** A rule at work: it keeps messages that wait by the lane in which they do. */
export class WorkingRule<Lane> {
  readonly hits: RuleHit[] = [];
  readonly on: Direction;
  #matched = 0;
  readonly #which: (message: RuleMessage) => boolean;
  readonly #id: RuleOptions['id'];
  readonly #waiting = new Map<Lane, Waiting>();

  constructor(
    readonly action: RuleAction,
    readonly pattern: string,
    { on = 'to-server', which = () => true, id }: RuleOptions,
    random: SeededRandom,
  ) {
    checkPattern(pattern);
    checkDirection(on);
    this.on = on;
    if (typeof which === 'number') checkedProbability(which, 'which');
    this.#which = typeof which === 'number' ? () => random.chance(which) : which;
    this.#id = id;
  }

  get matched(): number {
    return this.#matched;
  }

  watches(subject: string): boolean {
    return matches(this.pattern, subject);
  }

  /** The frames that take a frame's place. */
  apply(lane: Lane, frame: Frame): readonly Frame[] {
    if (!this.watches(frame.subject)) return [frame];
    this.#matched += 1;
    const { subject, replyTo, headers, payload } = frame;
    const message = { n: this.#matched, subject, replyTo, headers, payload };
    // Asked in any case, so that one answer does not depend on another.
    const isMeant = this.#which(message);
    const hit = { n: message.n, subject, ...(this.#id && { id: this.#id(message) }) };
    const first = this.#waiting.get(lane);
    if (first) {
      this.#waiting.delete(lane);
      this.hits.push({ ...first.hit, with: hit });
      return [frame, first.frame];
    }
    if (!isMeant) return [frame];
    if (this.action === 'swap') {
      this.#waiting.set(lane, { frame, hit });
      return [];
    }
    this.hits.push(hit);
    return this.action === 'drop' ? [] : [frame, frame];
  }

  /** Takes out what waits in a lane. */
  release(lane: Lane): readonly Frame[] {
    const waiting = this.#waiting.get(lane);
    this.#waiting.delete(lane);
    return waiting ? [waiting.frame] : [];
  }
}

/** Any subject of NATS, also those that no topic has, such as `_INBOX.>` and `$JS.API.>`. */
function checkPattern(pattern: unknown): void {
  const tokens = typeof pattern === 'string' ? pattern.split('.') : [''];
  const isRight = tokens.every((token, i) => /^[^\s.]+$/.test(token) && (token !== '>' || i === tokens.length - 1));
  if (isRight) return;
  throw new TypeError(
    `${JSON.stringify(pattern)} is no pattern of subjects: tokens between dots, each a word, "*", or ">" at the end.`,
  );
}
