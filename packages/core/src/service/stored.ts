import { BusError } from '@terabus/messages';
import type { DeliveryOptions, Source } from '../contract/contract.js';
import type { GroupPlan, ServicePlan } from '../contract/contract-of.js';
import { catchUp } from '../durable/catch-up.js';
import { Depot } from '../durable/depot.js';
import { KeyValueInbox } from '../durable/key-value-inbox.js';
import { bucketOf } from '../durable/names.js';
import { Reader } from '../durable/reader.js';
import type { Reporter } from '../observe/reporter.js';
import type { Router } from '../routing/router.js';
import { deferred } from './deferred.js';
import type { HostParts } from './host-parts.js';

const isRead = ({ definition, options }: Pick<GroupPlan, 'definition' | 'options'>): boolean =>
  definition.durable !== undefined && options.everyInstance !== true;

/** What a service reads from streams, by consumers that all its instances share. */
export class Stored {
  readonly #plan: ServicePlan;
  readonly #reporter: Reporter;
  readonly #parts: HostParts;
  readonly #depot: Depot;
  readonly #readers: Reader[] = [];

  constructor(plan: ServicePlan, reporter: Reporter, parts: HostParts) {
    this.#plan = plan;
    this.#reporter = reporter;
    this.#parts = parts;
    this.#depot = new Depot(plan.contract.address, parts.transport, parts.clock, reporter);
  }

  /** What keeps it from handling what is stored, or from putting aside what it could not handle. */
  get problems(): readonly BusError[] {
    return [...this.#depot.problems, ...this.#readers.flatMap(({ problem }) => problem ?? [])];
  }

  /** Undefined for a source that is subscribed to: it stores nothing, or each instance gets its last values. */
  readerOf({ definition, pattern }: Source, options: DeliveryOptions, router: Router): Reader | undefined {
    const { durable } = definition;
    if (durable === undefined || !isRead({ definition, options })) return undefined;
    const { transport, clock, emit, version, suspects, inbox } = this.#parts;
    const { address } = this.#plan.contract;
    const marks = () => transport.keyValue(bucketOf(address));
    const parts = {
      address,
      version,
      pattern,
      definition: { ...definition, durable },
      options,
      router,
      transport,
      clock,
      depot: this.#depot,
      inbox: options.deduplicate === true ? (inbox ?? new KeyValueInbox(marks())) : undefined,
      suspects,
      reporter: this.#reporter,
      emit,
    };
    const reader = new Reader(parts, marks);
    this.#readers.push(reader);
    return reader;
  }

  /** Begins to read: not while another instance may still handle what came before. */
  async read(): Promise<void> {
    this.#depot.resume();
    await Promise.all(this.#readers.map((reader) => reader.begin()));
  }

  /** Ends the intake. */
  async end(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.end()));
  }

  /** What has not begun goes to whoever reads next. */
  giveBack(): void {
    this.#depot.giveUp();
    for (const reader of this.#readers) reader.giveBack();
  }

  /** Resolves when nothing is unsettled any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.unsettled.settled()));
  }

  /** The same, or when so many milliseconds are over. */
  async settledWithin(ms: number): Promise<void> {
    const late = deferred<void>();
    const timer = this.#parts.clock.setTimer(ms, () => late.resolve());
    await Promise.race([this.settled(), late.promise]);
    timer.cancel();
  }

  /**
   * Resolves when what is stored at this moment has been handled: of one source, or of all.
   *
   * @throws BusError `TERABUS_SERVICE_INVALID` for a source that it does not read from a stream; `TERABUS_NOT_STARTED`
   * in `onStart`
   */
  async catchUp(source: Pick<Source, 'pattern'> | undefined): Promise<void> {
    // Reading begins behind onStart, which a wait would keep from ending.
    if (this.#readers.length === 0 && this.#plan.groups.some(isRead)) {
      throw new BusError(
        `${this.#plan.name} reads nothing before its onStart has ended: call catchUp from onReady on`,
        {
          reason: 'TERABUS_NOT_STARTED',
        },
      );
    }
    const readers = this.#readers.filter(({ parts }) => source === undefined || parts.pattern === source.pattern);
    if (source !== undefined && readers.length === 0) {
      throw new BusError(`${this.#plan.name} does not read '${source.pattern}' from a stream`, {
        reason: 'TERABUS_SERVICE_INVALID',
      });
    }
    await Promise.all(readers.map((reader) => catchUp(reader, this.#parts.lifecycle.signal)));
  }
}
