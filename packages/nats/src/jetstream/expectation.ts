import type { Difference, Expectation, StorePlan, Timer } from '@terabus/core/transport';
import { BusError, driftError } from '@terabus/core/transport';
import type { JetStream, LinkWatcher } from './jetstream.js';
import { differencesOf, goneIn, look, type Part, partsOf, type Seen } from './look.js';
import { DRIFT, MISSING, SILENT, silent } from './trouble.js';

/** Between two looks. Together with one look it is less than the 5 s within which something missing is known. */
const EVERY_MS = 2_000;
const LOOK_TIMEOUT_MS = 2_000;

/** How long the first look is tried: a cluster that starts or elects gives no answers for 5 to 13 s. */
const PATIENCE_MS = 15_000;
const AGAIN_MS = 250;

/** Compares a plan with what is there, again and again; what differs is a problem of the connection until it is mended. */
export class Expecting implements Expectation, LinkWatcher {
  readonly #jetStream: JetStream;
  readonly #parts: readonly Part[];
  #differences: readonly Difference[] = [];
  #unfollow: () => void = () => {};
  #timer: Timer | undefined;
  #ended = false;

  constructor(jetStream: JetStream, plan: StorePlan) {
    this.#jetStream = jetStream;
    this.#parts = partsOf(plan, jetStream);
  }

  get differences(): readonly Difference[] {
    return this.#differences;
  }

  /** @throws BusError when nobody answers, or what is asked for is not granted */
  async start(): Promise<this> {
    this.#unfollow = this.#jetStream.follow(this);
    try {
      const seen = await Promise.all(this.#parts.map((part) => this.#patiently(part)));
      this.#note(seen);
      this.#differences = differencesOf(seen);
    } catch (error) {
      this.end();
      throw error;
    }
    this.#arm();
    return this;
  }

  end(): void {
    this.#ended = true;
    this.#unfollow();
    this.#timer?.cancel();
    const { troubles } = this.#jetStream;
    for (const { called } of this.#parts) for (const kind of [MISSING, DRIFT, SILENT]) troubles.solve(kind + called);
  }

  lost(): void {}
  attached(): void {}
  close(): void {
    this.end();
  }

  async #patiently(part: Part): Promise<Seen> {
    const { clock } = this.#jetStream;
    const endsAt = clock.elapsed() + PATIENCE_MS;
    for (;;) {
      try {
        return await look(this.#jetStream, part, LOOK_TIMEOUT_MS);
      } catch (thrown) {
        const error = BusError.from(thrown);
        if (this.#ended || error.code !== 'UNAVAILABLE' || clock.elapsed() >= endsAt) throw error;
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(AGAIN_MS, resolve);
      });
    }
  }

  #arm(): void {
    this.#timer = this.#jetStream.clock.setTimer(EVERY_MS, () => void this.#again());
  }

  async #again(): Promise<void> {
    // A link that is lost is a problem already, and says nothing of streams.
    if (this.#jetStream.up) {
      const seen = await Promise.all(this.#parts.map((part) => this.#glance(part)));
      this.#note(seen.filter((one) => one !== undefined));
    }
    if (!this.#ended) this.#arm();
  }

  async #glance(part: Part): Promise<Seen | undefined> {
    try {
      return await look(this.#jetStream, part, LOOK_TIMEOUT_MS);
    } catch (thrown) {
      const error = BusError.from(thrown);
      const unavailable = error.reason === 'TERABUS_STREAM_UNAVAILABLE';
      if (unavailable && !this.#ended) {
        this.#jetStream.troubles.add(SILENT + part.called, silent(part.called, error));
      }
      return undefined;
    }
  }

  #note(seen: readonly Seen[]): void {
    if (this.#ended) return;
    const { troubles } = this.#jetStream;
    const gone = goneIn(seen);
    for (const { part, missing, differences } of seen) {
      const { called, inside } = part;
      // Of a stream that is gone its consumers say nothing more.
      const counts = inside === undefined || !gone.has(inside);
      troubles.solve(SILENT + called);
      if (counts && missing) troubles.add(MISSING + called, part.missing());
      else troubles.solve(MISSING + called);
      if (counts && !missing && differences.length > 0) troubles.add(DRIFT + called, driftError(differences));
      else troubles.solve(DRIFT + called);
    }
  }
}
