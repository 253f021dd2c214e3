import { seededRandom } from './random.js';

/** Who wants which messages. */
export interface Interest {
  readonly matches: (subject: string) => boolean;
  readonly group: string | undefined;
}

/** All subscriptions of a broker, and who of them gets a message. */
export class Subscriptions<Subscriber extends Interest> {
  readonly #subscribers = new Set<Subscriber>();
  readonly #random: () => number;

  /** `seed` decides whom of a group a message goes to. */
  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** All that match and have no group, and one of each group, whatever the patterns of its members. */
  receiversOf(subject: string): Subscriber[] {
    const receivers: Subscriber[] = [];
    const groups = new Map<string, Subscriber[]>();
    for (const subscriber of this.#subscribers) {
      if (!subscriber.matches(subject)) continue;
      if (subscriber.group === undefined) receivers.push(subscriber);
      else groups.set(subscriber.group, [...(groups.get(subscriber.group) ?? []), subscriber]);
    }
    for (const members of groups.values()) {
      const chosen = members[Math.floor(this.#random() * members.length)];
      if (chosen) receivers.push(chosen);
    }
    return receivers;
  }
}
