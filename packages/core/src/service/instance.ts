import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { InstanceTopics } from '../contract/needs.js';
import type { Role } from '../health/health.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { Inbound, Transport, TransportSubscription } from '../transport/transport.js';
import { type Deferred, deferred } from './deferred.js';
import { type Note, readNote, writeNote } from './instance-note.js';

/** What an instance does with its service when its role changes. */
export interface InstanceWork {
  /** Subscribes, and holds what comes. */
  hold(): Promise<void>;
  /** What is held from here on comes to this instance alone. */
  mark(): void;
  /** Handles what is held and what comes. */
  begin(): Promise<void>;
  /** Whether sequence numbers tell anything: not while messages are shared with another instance. */
  judge(on: boolean): void;
  /** Stops the intake. */
  endIntake(): Promise<void>;
  /** Lets what runs and waits end, within the time of a drain, and its publishes go out. */
  finish(): Promise<void>;
  /** It handles nothing any more. */
  stoodBy(): Promise<void>;
}

/** Older standbys than this don't wait longer: after a third of the silence more, who comes first comes first. */
const MOST_RANKS = 2;

/** What an {@link Instance} is made of. */
export interface InstanceParts {
  /** A ULID made at its start: the newest instance wins. */
  readonly id: string;
  readonly topics: InstanceTopics;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** An active instance that is silent for so many milliseconds is taken for gone. */
  readonly standbyAfterMs: number;
  readonly work: InstanceWork;
}

/**
 * One instance of a service of which one is active at a time. Who is active is agreed on by the messages of
 * `instance-note.ts`; `docs/decisions/013-…` tells how, and why nothing is lost and nothing runs twice.
 */
export class Instance {
  readonly #parts: InstanceParts;
  #role: Role = 'starting';
  #news: TransportSubscription | undefined;
  /** Of the active one. */
  #claims: TransportSubscription | undefined;
  /** Of a standby. */
  #offers: TransportSubscription | undefined;
  /** For the silence of the active one, or its next beacon. */
  #timer: Timer | undefined;
  #unwatch: () => void = () => {};
  /** Whether it is just finding out who is active. */
  #asking = false;
  /** While it is a candidate: who else is one, or active; and what comes back of its own candidacy. */
  #rivals: Note[] | undefined;
  #echo: Deferred<void> | undefined;
  /** Whether it was told to ask again when somebody is active. */
  #again = false;
  /** From whom it takes over. */
  #from: string | undefined;
  /** Takes over at last: the one before has finished, or is gone. */
  #inherit = () => {};
  /** To whom it hands over, or has promised to. */
  #heir: string | undefined;
  #heirTimer: Timer | undefined;
  #leaving = false;
  #ended = false;
  #heirHolds = deferred<void>();
  #heirActive = deferred<void>();
  /** The change of role that is under way. */
  #change: Promise<void> = Promise.resolve();

  constructor(parts: InstanceParts) {
    this.#parts = parts;
  }

  get role(): Role {
    return this.#role;
  }

  /** Resolves when it is active, holds what comes, or stands by. */
  async start(): Promise<void> {
    const { transport, topics } = this.#parts;
    this.#news = await transport.subscribe(topics.news, {}, (inbound) => this.#onNews(readNote(inbound.bytes)));
    // The other one may be back a moment later: who was away must not judge by what it did not hear.
    this.#unwatch = transport.watch(({ kind }) => {
      if (kind === 'reconnected') this.#heard();
    });
    await this.#claim(false);
  }

  /** The service ends: lets a standby hold what comes from now on, if there is one. */
  async leave(): Promise<void> {
    this.#leaving = true;
    const { topics, id } = this.#parts;
    if (this.#role === 'taking-over' || this.#role === 'handing-over') await this.#change;
    if (this.#role !== 'active') return this.#end();
    const answer =
      this.#heir !== undefined || (await this.#ask(topics.standby, { id, is: 'offer' }).catch(() => undefined));
    if (answer !== undefined && answer !== 'nobody') await this.#within(this.#heirHolds.promise);
    this.#role = 'handing-over';
    this.#arm();
  }

  /** All that comes from now on goes to others. */
  intakeEnded(): void {
    if (this.#heir !== undefined) this.#say({ is: 'intake-ended' });
  }

  /** Nothing runs any more. */
  async released(): Promise<void> {
    if (this.#ended) return;
    this.#say({ is: 'released', to: this.#heir });
    // Until then this one still answers who asks: else a third would take itself for the only one.
    if (this.#heir !== undefined) await this.#within(this.#heirActive.promise);
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    this.#heirTimer?.cancel();
    this.#unwatch();
    const { logger } = this.#parts;
    await Promise.all([this.#news, this.#claims, this.#offers].map((each) => each?.drain())).catch((err: unknown) =>
      logger.error({ err }, 'a subscription could not be ended'),
    );
  }

  /** Asks whoever is active to hand over. */
  async #claim(forced: boolean): Promise<void> {
    const { topics, id } = this.#parts;
    this.#asking = true;
    this.#again = false;
    const heard = this.#lastHeard;
    try {
      const answer = await this.#ask(topics.claim, { id, is: 'claim', forced });
      if (this.#ended) return;
      if (answer === 'nobody') await this.#run();
      // It may be too busy to answer, and still say that it is there.
      else if (answer === undefined) await (heard === this.#lastHeard ? this.#run() : this.#standBy());
      else if (answer.is === 'yields') await this.#takeOver(answer.id);
      else {
        this.#again = answer.is === 'busy';
        await this.#standBy();
      }
    } finally {
      this.#asking = false;
    }
  }

  /** Nobody seems to be active. Others may find so at the same time: of two candidates at least one hears of the other. */
  async #run(): Promise<void> {
    const { transport, topics, id } = this.#parts;
    const rivals: Note[] = [];
    this.#rivals = rivals;
    this.#echo = deferred();
    this.#claims = await transport.subscribe(topics.claim, {}, (inbound) => this.#onClaim(inbound));
    this.#say({ is: 'candidate' });
    await transport.flush();
    // Where a flush says less than on NATS: behind its own message is all that came before it.
    await this.#within(this.#echo.promise);
    this.#rivals = undefined;
    if (this.#ended) return;
    if (rivals.length === 0) return this.#activate(true);
    await this.#claims.drain();
    this.#claims = undefined;
    if (rivals.some((rival) => rival.is === 'active' || rival.id > id)) {
      this.#say({ is: 'withdrawn' });
      await this.#standBy();
    }
    // The older ones may have heard of this one and withdrawn, or be active.
    else await this.#claim(false);
  }

  async #takeOver(from: string): Promise<void> {
    const { work } = this.#parts;
    work.judge(false);
    await work.hold();
    this.#from = from;
    await this.#offers?.drain();
    this.#offers = undefined;
    this.#role = 'taking-over';
    const inherited = deferred<void>();
    this.#change = inherited.promise;
    this.#inherit = () => {
      this.#inherit = () => {};
      const { transport, topics } = this.#parts;
      const inherit = this.#go(async () => {
        this.#claims = await transport.subscribe(topics.claim, {}, (inbound) => this.#onClaim(inbound));
        await this.#activate(false);
      });
      void inherit.then(inherited.resolve);
    };
    this.#arm();
    this.#say({ is: 'holding', to: from });
  }

  async #activate(alone: boolean): Promise<void> {
    const { work } = this.#parts;
    if (alone) {
      await work.hold();
      work.mark();
    }
    await this.#offers?.drain();
    this.#offers = undefined;
    this.#from = undefined;
    this.#heir = undefined;
    this.#heirHolds = deferred();
    this.#heirActive = deferred();
    this.#role = 'active';
    this.#say({ is: 'active' });
    this.#arm();
    await work.begin();
  }

  async #standBy(): Promise<void> {
    const { transport, topics } = this.#parts;
    this.#role = 'standby';
    this.#arm();
    // To a group of their own: one of the standbys is enough.
    this.#offers ??= await transport.subscribe(topics.standby, { group: topics.standby }, (inbound) =>
      this.#onOffer(inbound),
    );
  }

  #handOver(heir: string): void {
    const { work, transport } = this.#parts;
    this.#role = 'handing-over';
    this.#heir = heir;
    this.#heirTimer?.cancel();
    work.judge(false);
    this.#arm();
    this.#change = this.#go(async () => {
      await work.endIntake();
      this.#say({ is: 'intake-ended' });
      await work.finish();
      // Without a link nobody hears of it, and the silence does the rest.
      await transport.flush().catch(() => undefined);
      this.#say({ is: 'released', to: heir });
      await this.#within(this.#heirActive.promise);
      await this.#claims?.drain();
      this.#claims = undefined;
      await work.stoodBy();
      await this.#standBy();
    });
  }

  #onClaim(inbound: Inbound): void {
    const note = readNote(inbound.bytes);
    const { id, work, clock, standbyAfterMs } = this.#parts;
    if (note === undefined || note.id === id) return;
    const answer = (is: Note['is']) => this.#answer(inbound, is);
    if (this.#role !== 'active' || (this.#heir !== undefined && this.#heir !== note.id)) return answer('busy');
    if (note.id < id && !(note.forced && this.#leaving)) return answer('refuses');
    this.#heir = note.id;
    // From its subscribing on, each of the two gets a part of the messages.
    work.judge(false);
    this.#heirTimer?.cancel();
    this.#heirTimer = clock.setTimer(standbyAfterMs, () => {
      if (this.#role !== 'active') return;
      this.#heir = undefined;
      work.judge(true);
    });
    answer('yields');
  }

  #onOffer(inbound: Inbound): void {
    if (this.#role !== 'standby' || this.#asking || this.#ended) return;
    this.#answer(inbound, 'coming');
    void this.#go(() => this.#claim(true));
  }

  #onNews(note: Note | undefined): void {
    const { id, work } = this.#parts;
    if (note === undefined || this.#ended) return;
    if (note.id === id) {
      if (note.is === 'candidate') this.#echo?.resolve();
      return;
    }
    const isActive = note.is === 'active' || note.is === 'handing-over';
    if (isActive && note.id > id && this.#newer.size <= MOST_RANKS) this.#newer.add(note.id);
    if (this.#from === undefined ? isActive : note.id === this.#from) this.#heard();
    if (this.#rivals !== undefined && (note.is === 'candidate' || isActive)) this.#rivals.push(note);
    switch (this.#role) {
      case 'active':
        if (note.is === 'holding' && note.to === id) {
          if (!this.#leaving) this.#handOver(note.id);
          this.#heirHolds.resolve();
        } else if (note.is === 'active' && note.id > id && !this.#leaving) this.#handOver(note.id);
        else if (note.is === 'active' || note.is === 'candidate') this.#say({ is: 'active' });
        break;
      case 'handing-over':
        if (note.is === 'active' && note.id === this.#heir) this.#heirActive.resolve();
        break;
      case 'taking-over':
        if (note.id !== this.#from) break;
        if (note.is === 'intake-ended') work.mark();
        else if (note.is === 'released') this.#inherit();
        // It has not heard, and waits.
        else if (note.is === 'active') this.#say({ is: 'holding', to: note.id });
        break;
      case 'standby': {
        const asksAgain = this.#again && (note.is === 'active' || note.is === 'withdrawn');
        const isFree = note.is === 'released' && note.to === undefined;
        if ((asksAgain || isFree) && !this.#asking) void this.#go(() => this.#claim(false));
        break;
      }
    }
  }

  #lastHeard = 0;
  /** Newer ones that were active at some time. */
  readonly #newer = new Set<string>();
  #heard(): void {
    this.#lastHeard += 1;
    if (this.#role === 'standby' || this.#role === 'taking-over') this.#arm();
  }

  /** The active one is heard three times before its silence counts; the others wait for that. */
  #arm(): void {
    const { clock, standbyAfterMs } = this.#parts;
    this.#timer?.cancel();
    if (this.#ended) return;
    const role = this.#role;
    if (role === 'active' || role === 'handing-over') {
      this.#timer = clock.setTimer(standbyAfterMs / 3, () => {
        this.#say({ is: role });
        this.#arm();
      });
    } else {
      // Among several the newest, as far as they know of each other, comes first. The newest known is the one that is silent.
      const rank = role === 'standby' ? Math.max(0, this.#newer.size - 1) : 0;
      this.#timer = clock.setTimer(standbyAfterMs * (1 + rank / 6), () => {
        if (this.#role === 'taking-over') this.#inherit();
        else if (this.#role === 'standby' && !this.#asking) void this.#go(() => this.#claim(false));
      });
    }
  }

  /** A step that fails leaves the instance where it can try again. */
  async #go(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#ended) return;
      this.#parts.logger.error({ err: error }, 'the instances of the service could not agree: it is tried again');
      this.#arm();
    }
  }

  #say(note: Omit<Note, 'id'>): void {
    const { transport, topics, id } = this.#parts;
    // One that is lost is followed by others, or its silence is heard.
    void transport.publish({ topic: topics.news, bytes: writeNote({ id, ...note }) }).catch(() => undefined);
  }

  #answer({ replyTo }: Inbound, is: Note['is']): void {
    const { transport, id } = this.#parts;
    if (replyTo !== undefined) void transport.respond(replyTo, writeNote({ id, is })).catch(() => undefined);
  }

  /** The answer; `nobody`, which is known at once; undefined when there is none in time. */
  #ask(topic: string, note: Note): Promise<Note | 'nobody' | undefined> {
    const { transport, clock, standbyAfterMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const cancel = transport.request({ topic, bytes: writeNote(note) }, (answer) => {
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
  async #within(done: Promise<void>): Promise<void> {
    const { clock, standbyAfterMs } = this.#parts;
    const late = deferred<void>();
    const timer = clock.setTimer(standbyAfterMs, () => late.resolve());
    await Promise.race([done, late.promise]);
    timer.cancel();
  }
}
