import { BusError } from '@terabus/messages';
import type { InstanceTopics } from '../contract/needs.js';
import { deferred } from '../service/deferred.js';
import { toSubject } from '../topics/escape.js';
import type { Clock } from '../transport/clock.js';
import type { Inbound, Transport, TransportSubscription } from '../transport/transport.js';
import { type Note, readNote, writeNote } from './note.js';

/** What a {@link Talk} is made of. */
export interface TalkParts {
  /** A ULID made at the start of the instance: the newest instance wins. */
  readonly id: string;
  readonly topics: InstanceTopics;
  readonly transport: Transport;
  readonly clock: Clock;
  /** An instance that is silent for so many milliseconds is taken for gone. */
  readonly standbyAfterMs: number;
}

/** How the instances of a service talk to each other. */
export class Talk {
  readonly #parts: TalkParts;

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  /** Tells all others. What is lost is followed by more, or its silence is heard. */
  say(note: Omit<Note, 'id'>): void {
    const { transport, topics, id } = this.#parts;
    void transport.publish({ topic: topics.news, bytes: writeNote({ id, ...note }) }).catch(() => undefined);
  }

  /** What was said has reached the server; without a link, nothing has. */
  async flush(): Promise<void> {
    await this.#parts.transport.flush().catch(() => undefined);
  }

  hearNews(hear: (note: Note) => void): Promise<TransportSubscription> {
    const { transport, topics } = this.#parts;
    return transport.subscribe(toSubject(topics.news), {}, ({ bytes }) => {
      const note = readNote(bytes);
      if (note !== undefined) hear(note);
    });
  }

  /** Of the active one: what claims are answered with; undefined for nothing. */
  answerClaims(answer: (claim: Note) => Note['is'] | undefined): Promise<TransportSubscription> {
    const { transport, topics } = this.#parts;
    return transport.subscribe(toSubject(topics.claim), {}, (inbound) => this.#answer(inbound, answer));
  }

  /** Of standbys, in a group of their own: one of them is enough. */
  answerOffers(answer: (offer: Note) => Note['is'] | undefined): Promise<TransportSubscription> {
    const { transport, topics } = this.#parts;
    const { standby } = topics;
    return transport.subscribe(toSubject(standby), { group: standby }, (inbound) => this.#answer(inbound, answer));
  }

  /** The answer; `nobody`, which is known at once; undefined when there is none in time. */
  ask(whom: 'claim' | 'standby', note: Omit<Note, 'id'>): Promise<Note | 'nobody' | undefined> {
    const { transport, topics, clock, id, standbyAfterMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const cancel = transport.request({ topic: topics[whom], bytes: writeNote({ id, ...note }) }, (answer) => {
        timer.cancel();
        if (!BusError.is(answer)) resolve(readNote(answer.bytes));
        else if (answer.reason === 'TERABUS_NO_RESPONDERS') resolve('nobody');
        else reject(answer);
      });
      const timer = clock.setTimer(standbyAfterMs, () => {
        cancel();
        resolve(undefined);
      });
    });
  }

  /** Waits for something that another one does, but not longer than until its silence counts. */
  async within(done: Promise<void>): Promise<void> {
    const { clock, standbyAfterMs } = this.#parts;
    const late = deferred<void>();
    const timer = clock.setTimer(standbyAfterMs, () => late.resolve());
    await Promise.race([done, late.promise]);
    timer.cancel();
  }

  #answer({ bytes, replyTo }: Inbound, answer: (note: Note) => Note['is'] | undefined): void {
    const { transport, id } = this.#parts;
    const note = readNote(bytes);
    const is = note && note.id !== id ? answer(note) : undefined;
    if (is === undefined || replyTo === undefined) return;
    void transport.respond(replyTo, writeNote({ id, is })).catch(() => undefined);
  }
}
