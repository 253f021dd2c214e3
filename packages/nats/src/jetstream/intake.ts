import type { ConsumeOptions, StreamDelivery, Timer } from '@terabus/core/transport';
import { BusError, printable } from '@terabus/core/transport';
import type { RawMessage } from '../raw-message.js';
import { afterTurn } from '../turn.js';
import { AckReader, ackProbe } from './ack-subject.js';
import { ConsumerLook } from './consumer-look.js';
import { Delivery, type Settler } from './delivery.js';
import type { JetStream, LinkWatcher } from './jetstream.js';
import { OwnHeaders } from './own-headers.js';
import { type Ending, Pull, type PullListener } from './pull.js';
import { Room, type Share } from './room.js';

/** Between two tries of what does not work at the moment. */
const AGAIN_MS = 1_000;

/** After so long without a message the one that was asked for is not about to come. */
const QUIET_MS = 20;
const MOST_QUIET_MS = 1_000;

/**
 * Has messages of a consumer handed out as long as there is room. A server tells nobody that a consumer is not there, or has
 * no leader: it just says nothing. So what is silent is asked for, and shows as a problem.
 */
export class Intake implements LinkWatcher, Settler {
  readonly #jetStream: JetStream;
  readonly #options: ConsumeOptions;
  readonly #deliver: (delivery: StreamDelivery) => void;
  readonly #bad: (error: BusError) => void;
  readonly #stream: string;
  readonly #consumer: string;
  readonly #look: ConsumerLook;
  /** Two, so that the server has one to fill while the next one is on its way to it. */
  readonly #pulls: readonly [Pull, Pull];
  readonly #room: Room;
  #unfollow: () => void = () => {};
  readonly #acks: AckReader;
  #lastOnWire = '';
  #lastSubject = '';
  #received = 0;
  #pumping = false;
  #looking = false;
  #again: Timer | undefined;
  #stopped: Promise<void> | undefined;

  /** `bad` is told of messages that can't be read, or that nobody could acknowledge. */
  constructor(
    jetStream: JetStream,
    options: ConsumeOptions,
    deliver: (delivery: StreamDelivery) => void,
    bad: (error: BusError) => void,
  ) {
    this.#jetStream = jetStream;
    this.#options = options;
    this.#deliver = deliver;
    this.#bad = bad;
    this.#stream = jetStream.names.of(options.stream);
    this.#consumer = jetStream.names.of(options.consumer);
    this.#look = new ConsumerLook(jetStream, options.stream, options.consumer);
    this.#room = new Room(options);
    this.#acks = new AckReader(this.#stream, this.#consumer);
    const listener: PullListener = {
      message: (raw, replyTo) => this.#message(raw, replyTo),
      alive: () => this.#look.solve(),
      ended: (how) => this.#ended(how),
    };
    const pull = () => new Pull(jetStream, `${this.#stream}.${this.#consumer}`, listener);
    this.#pulls = [pull(), pull()];
  }

  /**
   * Waits for a link. Resolves when it runs.
   *
   * @throws BusError `TERABUS_CONSUMER_MISSING`, `TERABUS_NATS_FORBIDDEN`, `TERABUS_CLOSED`
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#pulls.map((pull) => pull.move()));
      const verdict = await this.#look.look();
      if (verdict?.reason === 'TERABUS_CONSUMER_MISSING' || isForbidden(verdict)) throw verdict;
      // Who may take and not acknowledge would be handed out the same messages for ever.
      const probe = ackProbe(this.#stream, this.#consumer);
      await this.#jetStream.confirm(probe, new TextEncoder().encode('+WPI')).catch(ifForbidden);
      this.#unfollow = this.#jetStream.follow(this);
      this.#pump();
      await this.#jetStream.flush().catch(ifForbidden);
      for (const { refusal } of this.#pulls) if (refusal) throw refusal;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  lost(): void {
    for (const pull of this.#pulls) pull.forget();
  }

  attached(): void {
    if (this.#stopped) return;
    for (const pull of this.#pulls) move(pull);
    this.#again?.cancel();
    this.#again = undefined;
    this.#soon();
  }

  close(): void {
    void this.stop();
  }

  async #stop(): Promise<void> {
    this.#again?.cancel();
    await this.#quiet();
    this.#unfollow();
    this.#look.end();
    await Promise.all(this.#pulls.map((pull) => pull.end()));
    // The request is still there, for a place where nobody listens. A server of 2.9 that has something to hand out again
    // then would take it off its list, find nobody, and forget it until its time is over. Being asked, it tidies up.
    if (this.#jetStream.up) await this.#look.ask().catch(() => {});
  }

  /** A request that is being filled is let be filled: what a server sends to nobody it may hand out again only late. */
  async #quiet(): Promise<void> {
    const { clock } = this.#jetStream;
    const endsAt = clock.elapsed() + MOST_QUIET_MS;
    for (let received = -1; this.#busy && this.#received !== received && clock.elapsed() < endsAt; ) {
      received = this.#received;
      await new Promise<void>((resolve) => {
        clock.setTimer(QUIET_MS, resolve);
      });
    }
  }

  get #busy(): boolean {
    return this.#pulls.some(({ busy }) => busy);
  }

  /** Once for all that is settled in this turn. */
  #soon(): void {
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    afterTurn(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#looking || this.#again || this.#stopped || !this.#jetStream.up) return;
    const [one, other] = this.#pulls;
    try {
      if (!one.busy) ask(one, this.#room.share(other.coming));
      if (!other.busy) ask(other, this.#room.share(one.coming));
    } catch {
      this.#later(AGAIN_MS, () => this.#pump());
    }
  }

  #ended(how: Ending): void {
    if (how === 'too-large') this.#room.tooSmall();
    if (how === 'done' || how === 'too-large') this.#soon();
    else this.#find(how === 'silent' ? 0 : AGAIN_MS);
  }

  /** Finds out whether the consumer is there, as often as it takes; goes on `afterMs` later. */
  #find(afterMs: number): void {
    if (this.#stopped || this.#looking) return;
    this.#looking = true;
    void this.#look.look().then((verdict) => {
      this.#looking = false;
      if (this.#stopped) return;
      if (verdict) this.#later(AGAIN_MS, () => this.#find(0));
      else {
        // What the other one was promised is still on its way there.
        for (const pull of this.#pulls) if (!pull.busy) move(pull);
        this.#later(afterMs, () => this.#pump());
      }
    });
  }

  #later(delayMs: number, then: () => void): void {
    this.#again?.cancel();
    this.#again = this.#jetStream.clock.setTimer(delayMs, () => {
      this.#again = undefined;
      if (!this.#stopped) then();
    });
  }

  #message(raw: RawMessage, replyTo: string): void {
    const ack = this.#acks.read(replyTo);
    if (ack === undefined) {
      const text = `a message for ${this.#look.called} has the reply subject ${printable(replyTo)}`;
      this.#bad(new BusError(text, { reason: 'TERABUS_MESSAGE_BAD' }));
      return;
    }
    this.#received += 1;
    this.#room.taken(raw.size);
    const subject = this.#subject(ack.subjectFront, raw.subject);
    this.#deliver(new Delivery(raw, ack, this.#options.stream, subject, this.#headers(raw), this));
  }

  /** Most messages have the subject of the one before. */
  #subject(front: string, onWire: string): string {
    if (front !== '') return this.#jetStream.names.unwired(`${front}${onWire}`);
    if (onWire !== this.#lastOnWire) {
      this.#lastOnWire = onWire;
      this.#lastSubject = this.#jetStream.names.unwired(onWire);
    }
    return this.#lastSubject;
  }

  tell(replyTo: string, bytes: Uint8Array): void {
    this.#jetStream.tell(replyTo, bytes);
  }

  settled(size: number): void {
    this.#room.settled(size);
    this.#soon();
  }

  /** Of what can't be read the message comes without: nobody could settle it otherwise. */
  #headers(raw: RawMessage) {
    try {
      return new OwnHeaders(raw.headers());
    } catch (error) {
      this.#bad(BusError.from(error));
      return new Map<string, string>();
    }
  }
}

function ask(pull: Pull, share: Share | undefined): void {
  if (share !== undefined) pull.ask(share);
}

/** Where it is refused, that is told, and asked for again. */
function move(pull: Pull): void {
  pull.move().catch(() => {});
}

const isForbidden = (error: BusError | undefined) => error?.reason === 'TERABUS_NATS_FORBIDDEN';

/** A link that is lost in the meantime is no reason to give up. */
function ifForbidden(thrown: unknown): void {
  const error = BusError.from(thrown);
  if (isForbidden(error) || error.reason === 'TERABUS_CLOSED') throw error;
}
