import type { Role } from '../health/health.js';
import { say } from '../observe/say.js';
import { deferred } from '../service/deferred.js';
import type { TransportSubscription } from '../transport/transport.js';
import { Candidacy } from './candidacy.js';
import { Heir } from './heir.js';
import type { Note } from './note.js';
import { Silence } from './silence.js';
import { Talk } from './talk.js';
import type { InstanceParts } from './work.js';

/**
 * One instance of a service of which one is active at a time. Who is active is agreed on by the notes of `note.ts`;
 * `docs/decisions/013-…` tells how, and why nothing is lost and nothing runs twice.
 */
export class Instance {
  readonly #parts: InstanceParts;
  readonly #talk: Talk;
  readonly #silence: Silence;
  #role: Role = 'starting';
  #news: TransportSubscription | undefined;
  /** Of the active one. */
  #claims: TransportSubscription | undefined;
  /** Of a standby. */
  #offers: TransportSubscription | undefined;
  #unwatch: () => void = () => {};
  /** Whether it is just finding out who is active. */
  #asking = false;
  #candidacy: Candidacy | undefined;
  /** Whether it was told to ask again when somebody is active. */
  #again = false;
  /** Whether an active one that stops has asked it to take over. */
  #offered = false;
  /** From whom it takes over. */
  #from: string | undefined;
  /** Takes over at last: the one before has finished, or is gone. */
  #inherit = () => {};
  /** To whom it hands over, or has promised to. */
  #heir: Heir | undefined;
  #begun: Promise<void> = Promise.resolve();
  #leaving = false;
  /** Another one holds what comes, so that this one may end. */
  readonly #covered = deferred<void>();
  #ended = false;
  /** The change of role that is under way. */
  #change: Promise<void> = Promise.resolve();

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    this.#talk = new Talk(parts);
    this.#silence = new Silence(parts.clock, parts.standbyAfterMs);
  }

  get role(): Role {
    return this.#role;
  }

  /** Resolves when it is active, holds what comes, or stands by. */
  async start(): Promise<void> {
    this.#news = await this.#talk.hearNews((note) => this.#hear(note));
    // The other one may be back a moment later: who was away must not judge by what it did not hear.
    this.#unwatch = this.#parts.transport.watch(({ kind }) => {
      if (kind !== 'reconnected') return;
      this.#silence.hear();
      // And if another one has become active meanwhile, both are to know at once.
      if (this.#role === 'active') this.#talk.say({ is: 'active' });
    });
    const claim = this.#claim();
    this.#change = claim.catch(() => undefined);
    await claim;
  }

  /** The service ends: lets a standby hold what comes from now on, if there is one. */
  async leave(): Promise<void> {
    this.#leaving = true;
    // One change may lead to the next; where one failed there is nothing more to wait for.
    for (let change: Promise<void> | undefined; change !== this.#change; ) {
      change = this.#change;
      await change;
    }
    if (this.#role !== 'active') return this.#end();
    await this.#begun;
    const answer = this.#heir ?? (await this.#talk.ask('standby', { is: 'offer' }).catch(() => undefined));
    if (answer !== undefined && answer !== 'nobody') await this.#talk.within(this.#covered.promise);
    this.#speakAs('handing-over');
  }

  /** All that comes from now on goes to others. */
  intakeEnded(): void {
    if (this.#heir !== undefined) this.#talk.say({ is: 'intake-ended' });
  }

  /** Nothing runs any more. */
  async released(): Promise<void> {
    if (this.#ended) return;
    this.#talk.say({ is: 'released', to: this.#heir?.id });
    // Until then this one still answers who asks: else a third would take itself for the only one.
    if (this.#heir !== undefined) await this.#talk.within(this.#heir.active);
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#ended = true;
    this.#silence.end();
    this.#heir?.came();
    this.#unwatch();
    await Promise.all([this.#news, this.#claims, this.#offers].map((each) => each?.drain()));
  }

  /** Asks whoever is active to hand over. */
  async #claim(): Promise<void> {
    this.#asking = true;
    this.#again = false;
    const { heard } = this.#silence;
    try {
      const answer = await this.#talk.ask('claim', { is: 'claim' });
      if (this.#ended) return;
      if (answer === 'nobody') await this.#run();
      // It may be too busy to answer, and still say that it is there.
      else if (answer === undefined) await (heard === this.#silence.heard ? this.#run() : this.#standBy());
      else if (answer.is === 'yields') await this.#takeOver(answer.id);
      else {
        this.#again = answer.is === 'busy';
        await this.#standBy();
      }
    } finally {
      this.#asking = false;
    }
    if (this.#offered) this.#claimSoon();
  }

  /** Nobody seems to be active. */
  async #run(): Promise<void> {
    const { id, work } = this.#parts;
    this.#candidacy = new Candidacy();
    this.#claims = await this.#talk.answerClaims((note) => this.#answerClaim(note));
    const rivals = await this.#candidacy.rivals(this.#talk);
    this.#candidacy = undefined;
    if (rivals.length === 0) {
      await work.hold();
      work.mark();
      return this.#activate();
    }
    await this.#claims.drain();
    this.#claims = undefined;
    if (rivals.some((rival) => rival.is !== 'candidate' || rival.id > id)) {
      this.#talk.say({ is: 'withdrawn' });
      await this.#standBy();
    }
    // The older ones may have heard of this one and withdrawn, or be active.
    else await this.#claim();
  }

  async #takeOver(from: string): Promise<void> {
    const { work } = this.#parts;
    work.judge(false);
    await work.hold();
    this.#from = from;
    await this.#endOffers();
    this.#role = 'taking-over';
    const inherited = deferred<void>();
    this.#change = inherited.promise;
    const inherit = () => {
      this.#inherit = () => {};
      const trying = this.#tryTo(async () => {
        this.#claims = await this.#talk.answerClaims((note) => this.#answerClaim(note));
        await this.#activate();
      });
      void trying.then(() => {
        if (this.#role === 'taking-over') this.#inherit = inherit;
        inherited.resolve();
      });
    };
    this.#inherit = inherit;
    this.#silence.wait(false, () => this.#inherit());
    this.#talk.say({ is: 'holding', to: from });
  }

  async #activate(): Promise<void> {
    await this.#endOffers();
    this.#offered = false;
    this.#from = undefined;
    this.#heir = undefined;
    this.#speakAs('active');
    this.#talk.say({ is: 'active' });
    this.#begun = this.#parts.work.begin();
    await this.#begun;
  }

  async #standBy(): Promise<void> {
    this.#role = 'standby';
    this.#silence.wait(true, () => this.#claimSoon());
    await this.#awaitOffers();
  }

  async #awaitOffers(): Promise<void> {
    this.#offers ??= await this.#talk.answerOffers(() => {
      this.#offered = true;
      this.#claimSoon();
      return 'coming';
    });
  }

  async #endOffers(): Promise<void> {
    await this.#offers?.drain();
    this.#offers = undefined;
  }

  #handOver(heir: Heir): void {
    const { work } = this.#parts;
    heir.came();
    this.#speakAs('handing-over');
    this.#change = this.#tryTo(async () => {
      // What is held must not be handed on when another one is active.
      await this.#begun;
      await work.endIntake();
      this.#talk.say({ is: 'intake-ended' });
      await work.finish();
      await this.#talk.flush();
      // The other one may have to stop as soon as it is active. Where that can't be heard, it must still go on.
      await this.#awaitOffers().catch(() => undefined);
      this.#talk.say({ is: 'released', to: heir.id });
      await this.#talk.within(heir.active);
      await this.#claims?.drain();
      this.#claims = undefined;
      await work.stoodBy();
      await this.#standBy();
      // It was waited for as long as a silence lasts: where it is gone, nobody is active.
      if (this.#offered || !heir.isActive) this.#claimSoon();
    });
  }

  #answerClaim({ id: claimant }: Note): Note['is'] {
    const { id } = this.#parts;
    if (this.#role !== 'active' || (this.#heir !== undefined && this.#heir.id !== claimant)) return 'busy';
    // Who is about to stop hands over to anybody.
    if (claimant < id && !this.#leaving) return 'refuses';
    this.#promise(claimant);
    return 'yields';
  }

  #promise(heir: string): Heir {
    const { work, clock, standbyAfterMs } = this.#parts;
    this.#heir?.came();
    // From its subscribing on, each of the two gets a part of the messages.
    work.judge(false);
    this.#heir = new Heir(heir, clock, standbyAfterMs, () => {
      if (this.#role !== 'active') return;
      this.#heir = undefined;
      work.judge(true);
    });
    return this.#heir;
  }

  #hear(note: Note): void {
    const { id, work } = this.#parts;
    const { is } = note;
    if (this.#ended) return;
    this.#candidacy?.hear(note, note.id === id);
    if (note.id === id) return;
    const atWork = is === 'active' || is === 'handing-over';
    if (this.#from === undefined ? atWork : note.id === this.#from) {
      this.#silence.hear(atWork && note.id > id ? note.id : undefined);
    }
    switch (this.#role) {
      case 'active':
        if (is === 'holding' && note.to === id) {
          const heir = this.#heir?.id === note.id ? this.#heir : this.#promise(note.id);
          heir.came();
          if (this.#leaving) this.#covered.resolve();
          else this.#handOver(heir);
        } else if (is === 'active' && note.id > id && !this.#leaving) {
          const heir = this.#promise(note.id);
          heir.nowActive();
          this.#handOver(heir);
        } else if (is === 'active' || is === 'candidate') this.#talk.say({ is: 'active' });
        break;
      case 'handing-over':
        if (is === 'active' && note.id === this.#heir?.id) this.#heir.nowActive();
        break;
      case 'taking-over':
        if (note.id !== this.#from) break;
        if (is === 'intake-ended') work.mark();
        else if (is === 'released') this.#inherit();
        // It has not heard, and waits.
        else if (is === 'active') this.#talk.say({ is: 'holding', to: note.id });
        break;
      case 'standby': {
        const asksAgain = this.#again && (is === 'active' || is === 'withdrawn');
        if (asksAgain || (is === 'released' && note.to === undefined)) this.#claimSoon();
        break;
      }
      case 'starting':
        break;
    }
  }

  #speakAs(role: 'active' | 'handing-over'): void {
    this.#role = role;
    this.#silence.beacon(() => this.#talk.say({ is: role }));
  }

  #claimSoon(): void {
    if (this.#asking || this.#ended || this.#role !== 'standby') return;
    this.#offered = false;
    this.#change = this.#tryTo(() => this.#claim());
  }

  /** A step that fails leaves the instance where it can try again. */
  async #tryTo(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#ended) return;
      say(
        this.#parts.logger,
        'error',
        { err: error },
        'the instances of the service could not agree: it is tried again',
      );
      this.#candidacy = undefined;
      if (this.#role === 'standby' || this.#role === 'taking-over') {
        await this.#claims?.drain();
        this.#claims = undefined;
      }
      if (this.#role === 'standby') this.#silence.wait(true, () => this.#claimSoon());
      else if (this.#role === 'taking-over') this.#silence.wait(false, () => this.#inherit());
    }
  }
}
