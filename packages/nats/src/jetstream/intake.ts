import type { ConsumeOptions, StreamDelivery, Timer } from '@terabus/core/transport';
import { BusError, printable } from '@terabus/core/transport';
import { withoutReserved } from '../headers.js';
import type { RawMessage } from '../raw-message.js';
import type { Subscribed } from '../subscriptions.js';
import { afterTurn } from '../turn.js';
import { ackProbe, parseAckSubject } from './ack-subject.js';
import { isMissing, refusedByApi } from './api-error.js';
import { Delivery } from './delivery.js';
import type { JetStream, LinkWatcher } from './jetstream.js';
import { consumerCalled } from './names.js';
import { consumerMissing, MISSING, SILENT, silent } from './trouble.js';

/** A request to be handed out messages. Short, so that one whose server has forgotten it is soon made again. */
const EXPIRES_MS = 5_000;

/** How often a server says that a request still waits. */
const HEARTBEAT_MS = 1_000;

/** Ticks without a sign of life, a heartbeat apart, after which a request is taken for forgotten. */
const MOST_SILENT_TICKS = 2;

/** For the question whether a consumer is there, which a healthy server answers in a millisecond or two. */
const LOOK_TIMEOUT_MS = 1_500;
const LOOK_AGAIN_MS = 1_000;

/** After so long without a message the one that was asked for is not about to come. */
const QUIET_MS = 20;

/** The most that one request asks for, and what the first one does when messages have all the bytes that they may. */
const MOST_AT_ONCE = 10_000;
const FIRST_BATCH = 8;

/** What a server counts beside a message: its subject, and that of its acknowledgement. */
const OVERHEAD_BYTES = 300;

/** By how much a message that was large counts less with each smaller one behind it. */
const FORGETTING = 0.99;

const NANOSECONDS = 1_000_000;
const encoder = new TextEncoder();

/** A request that runs. */
interface Pull {
  readonly replyTo: string;
  readonly batch: number;
  received: number;
}

/**
 * Gets messages of a consumer handed out as long as there is room, one request at a time. A server tells nobody that a
 * consumer is gone, or has no leader: it just says nothing. So what is silent is asked for, and shows as a problem.
 */
export class Intake implements LinkWatcher {
  readonly #jetStream: JetStream;
  readonly #options: ConsumeOptions;
  readonly #deliver: (delivery: StreamDelivery) => void;
  readonly #bad: (error: BusError) => void;
  readonly #stream: string;
  readonly #consumer: string;
  readonly #called: string;
  #unfollow: () => void = () => {};
  #inbox: { readonly prefix: string; readonly subscribed: Subscribed } | undefined;
  #pull: Pull | undefined;
  #pulls = 0;
  #unsettled = 0;
  #unsettledBytes = 0;
  /** Whether the next message alone is larger than the room that is left, so that it has to come alone. */
  #large = false;
  /** About the largest of the last messages. The first request is small, and finds out. */
  #size: number;
  #pumping = false;
  #looking = false;
  #tick: Timer | undefined;
  #again: Timer | undefined;
  #silentTicks = 0;
  #refusal: BusError | undefined;
  #stopped: Promise<void> | undefined;

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
    this.#called = consumerCalled(options.stream, options.consumer);
    this.#size = Math.max(1, options.maxUnsettledBytes / FIRST_BATCH);
  }

  /**
   * Waits for a link. Resolves when it runs.
   *
   * @throws BusError `TERABUS_CONSUMER_MISSING`, `TERABUS_NATS_FORBIDDEN`, `TERABUS_CLOSED`
   */
  async start(): Promise<void> {
    const { subscribed } = this.#open();
    try {
      await subscribed.ready;
      const verdict = await this.#look();
      if (verdict?.reason === 'TERABUS_CONSUMER_MISSING' || isForbidden(verdict)) throw verdict;
      // A service that may take and not acknowledge would get the same messages for ever.
      await this.#jetStream.confirm(ackProbe(this.#stream, this.#consumer), encoder.encode('+WPI')).catch(ifForbidden);
      this.#unfollow = this.#jetStream.follow(this);
      this.#pump();
      await this.#jetStream.flush().catch(ifForbidden);
      if (this.#refusal) throw this.#refusal;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  attached(): void {
    if (this.#stopped) return;
    // What the last link asked for may still be on its way to its place: the next one has another.
    this.#reopen();
    this.#again?.cancel();
    this.#again = undefined;
    this.#soon();
  }

  lost(): void {
    this.#forget();
  }

  close(): void {
    void this.stop();
  }

  async #stop(): Promise<void> {
    this.#again?.cancel();
    await this.#quiet();
    this.#unfollow();
    this.#forget();
    this.#solve();
    await this.#inbox?.subscribed.drain();
    // The request is still there, for a place where nobody listens. A server of 2.9 that has something to hand out again
    // then would take it off its list, find nobody, and forget it until its time is over. Being asked, it tidies up.
    if (this.#jetStream.up) await this.#info().catch(() => {});
  }

  /** A request that is being filled is let be filled: what a server sends to nobody it may hand out again only late. */
  async #quiet(): Promise<void> {
    const { clock } = this.#jetStream;
    const endsAt = clock.elapsed() + LOOK_TIMEOUT_MS;
    for (let received = -1; this.#pull && this.#pull.received !== received && clock.elapsed() < endsAt; ) {
      received = this.#pull.received;
      await new Promise<void>((resolve) => {
        clock.setTimer(QUIET_MS, resolve);
      });
    }
  }

  #info() {
    return this.#jetStream.call(`CONSUMER.INFO.${this.#stream}.${this.#consumer}`, {}, LOOK_TIMEOUT_MS);
  }

  #open() {
    this.#inbox = this.#jetStream.open((raw) => this.#receive(raw));
    return this.#inbox;
  }

  #reopen(): void {
    void this.#inbox?.subscribed.drain();
    this.#open();
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
    if (this.#pull || this.#looking || this.#again || this.#stopped || !this.#inbox || !this.#jetStream.up) return;
    const room = Math.min(this.#options.maxUnsettled - this.#unsettled, MOST_AT_ONCE);
    const bytes = this.#options.maxUnsettledBytes - this.#unsettledBytes;
    if (room <= 0 || bytes <= 0) return;
    this.#pulls += 1;
    const replyTo = `${this.#inbox.prefix}${this.#pulls.toString(36)}`;
    const fitting = this.#large ? 1 : Math.floor(bytes / this.#size);
    const pull: Pull = { replyTo, batch: Math.max(1, Math.min(room, fitting)), received: 0 };
    const request = {
      batch: pull.batch,
      expires: EXPIRES_MS * NANOSECONDS,
      idle_heartbeat: HEARTBEAT_MS * NANOSECONDS,
      // A last resort: where it ends a request, servers of 2.9 lose track of the message that was too large, if it was
      // handed out before, until its time is over.
      ...(pull.batch > 1 && { max_bytes: bytes }),
    };
    this.#large = false;
    try {
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#consumer}`;
      this.#jetStream.post(subject, encoder.encode(JSON.stringify(request)), replyTo, (error) => {
        this.#refusal = error;
        if (this.#pull === pull) this.#fail();
      });
      this.#pull = pull;
      this.#watch();
    } catch {
      // No link, or one that does not keep up.
      this.#later(LOOK_AGAIN_MS, () => this.#pump());
    }
  }

  #watch(): void {
    this.#silentTicks = 0;
    this.#tick ??= this.#jetStream.clock.setTimer(HEARTBEAT_MS, () => {
      this.#tick = undefined;
      if (!this.#pull) return;
      this.#silentTicks += 1;
      const silentTicks = this.#silentTicks;
      if (silentTicks >= MOST_SILENT_TICKS) return this.#fail(0);
      this.#watch();
      this.#silentTicks = silentTicks;
    });
  }

  #forget(): void {
    this.#pull = undefined;
    this.#tick?.cancel();
    this.#tick = undefined;
  }

  #receive(raw: RawMessage): void {
    if (raw.replyTo === undefined) this.#status(raw);
    else this.#message(raw, raw.replyTo);
  }

  #status(raw: RawMessage): void {
    const pull = this.#pull;
    if (!pull || raw.subject !== pull.replyTo) return; // of one that was given up
    const { status, description } = statusOf(raw);
    if (status === 100) {
      this.#alive();
      return;
    }
    if (status === 408 || status === 404) this.#alive();
    this.#large = status === 409 && /exceeds maxbytes/i.test(description);
    if (status === 408 || status === 404 || this.#large) {
      this.#forget();
      this.#soon();
      return;
    }
    this.#fail();
  }

  #message(raw: RawMessage, replyTo: string): void {
    const ack = parseAckSubject(replyTo);
    if (!ack || ack.stream !== this.#stream || ack.consumer !== this.#consumer) {
      this.#bad(
        new BusError(`a message for ${this.#called} has the reply subject ${printable(replyTo)}`, {
          reason: 'TERABUS_MESSAGE_BAD',
        }),
      );
      return;
    }
    this.#alive();
    const pull = this.#pull;
    if (pull) {
      pull.received += 1;
      if (pull.received >= pull.batch) {
        this.#forget();
        this.#soon();
      }
    }
    const { size } = raw;
    this.#size = Math.max(size + OVERHEAD_BYTES, this.#size * FORGETTING);
    this.#unsettled += 1;
    this.#unsettledBytes += size;
    const { deliveries, sequence, storedAt, pending } = ack;
    const delivery = new Delivery(
      {
        subject: this.#jetStream.names.unwired(raw.subject),
        bytes: raw.bytes(),
        headers: this.#headers(raw),
        stream: this.#options.stream,
        sequence,
        storedAt,
        deliveries,
        pending,
      },
      {
        tell: (bytes) => this.#jetStream.tell(replyTo, bytes),
        settled: () => {
          this.#unsettled -= 1;
          this.#unsettledBytes -= size;
          this.#soon();
        },
      },
    );
    this.#deliver(delivery);
  }

  /** Those that can't be read are told, and the message comes without: nobody could settle it otherwise. */
  #headers(raw: RawMessage) {
    try {
      return withoutReserved(raw.headers());
    } catch (error) {
      this.#bad(BusError.from(error));
      return new Map<string, string>();
    }
  }

  #alive(): void {
    this.#silentTicks = 0;
    if (this.#jetStream.troubles.some) this.#solve();
  }

  /** The request came to nothing: finds out why, and asks again when the consumer is there. */
  #fail(againMs = LOOK_AGAIN_MS): void {
    this.#forget();
    if (this.#stopped || this.#looking) return;
    this.#looking = true;
    void this.#look().then((verdict) => {
      this.#looking = false;
      if (verdict) this.#later(LOOK_AGAIN_MS, () => this.#fail(0));
      else {
        // What was asked for may still be handed out at its place.
        if (!this.#stopped) this.#reopen();
        this.#later(againMs, () => this.#pump());
      }
    });
  }

  #later(delayMs: number, then: () => void): void {
    if (this.#stopped) return;
    this.#again?.cancel();
    this.#again = this.#jetStream.clock.setTimer(delayMs, () => {
      this.#again = undefined;
      then();
    });
  }

  /** Whether the consumer is there; undefined if so. What is found stands as a problem until it is there again. */
  async #look(): Promise<BusError | undefined> {
    const { troubles } = this.#jetStream;
    try {
      const answer = await this.#info();
      if (!answer.error) {
        this.#solve();
        return undefined;
      }
      if (!isMissing(answer.error)) throw refusedByApi(answer.error, this.#called);
      const missing = consumerMissing(this.#options.stream, this.#options.consumer);
      if (!this.#stopped) troubles.add(MISSING + this.#called, missing);
      return missing;
    } catch (thrown) {
      const error = BusError.from(thrown);
      const unavailable = error.reason === 'TERABUS_STREAM_UNAVAILABLE';
      if (unavailable && !this.#stopped) troubles.add(SILENT + this.#called, silent(this.#called, error));
      return error;
    }
  }

  #solve(): void {
    this.#jetStream.troubles.solve(MISSING + this.#called);
    this.#jetStream.troubles.solve(SILENT + this.#called);
  }
}

function statusOf(raw: RawMessage) {
  try {
    return raw.decoded();
  } catch {
    return { status: undefined, description: '' };
  }
}

const isForbidden = (error: BusError | undefined) => error?.reason === 'TERABUS_NATS_FORBIDDEN';

/** A link that is lost in the meantime is no reason to give up. */
function ifForbidden(thrown: unknown): void {
  const error = BusError.from(thrown);
  if (isForbidden(error) || error.reason === 'TERABUS_CLOSED') throw error;
}
