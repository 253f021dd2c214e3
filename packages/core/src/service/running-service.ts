import type { Logger } from 'pino';
import type { ServicePlan } from '../contract/contract-of.js';
import { instanceTopics } from '../contract/needs.js';
import { bucketOf } from '../durable/names.js';
import { planStreams } from '../durable/plan-streams.js';
import type { Role, ServiceHealth } from '../health/health.js';
import { Gate } from '../instances/gate.js';
import { Instance } from '../instances/instance.js';
import type { InstanceWork } from '../instances/work.js';
import { Reporter } from '../observe/reporter.js';
import { say } from '../observe/say.js';
import { Batches } from '../publishing/batches.js';
import { Declared } from '../publishing/declared.js';
import { Publisher } from '../publishing/publisher.js';
import type { DeliveryGroup } from '../routing/delivery-group.js';
import { Answerer } from '../rpc/answer.js';
import { Caller } from '../rpc/client.js';
import { Sequencer } from '../sequencing/sequencer.js';
import { toSubject } from '../topics/escape.js';
import type { Bus, ChainedBus } from './bus.js';
import { type CutOff, finishWithin, unfinished } from './finish.js';
import type { HostParts } from './host-parts.js';
import { Intake, type Subscriptions } from './intake.js';
import { type LeasesParts, underLease } from './leases.js';
import { Listeners } from './listeners.js';
import { Preparation } from './prepare.js';
import { serviceBus } from './service-bus.js';
import { Stored } from './stored.js';
import { Tasks } from './tasks.js';
import type { Hooks, TeraService } from './tera-service.js';
import { ATTACH } from './tera-service.js';

/** What is cut off at the end of a drain is put back within so many milliseconds. */
const PUT_ASIDE_MS = 1_000;

/** One service at work: what its plan says, brought to life on a transport. */
export class RunningService {
  readonly plan: ServicePlan;
  readonly logger: Logger;
  readonly bus: Bus;
  /** What it reads from streams. */
  readonly stored: Stored;
  readonly #parts: HostParts;
  readonly #reporter: Reporter;
  readonly #publisher: Publisher;
  readonly #batches: Batches;
  readonly #preparation: Preparation;
  readonly #intake: Intake;
  readonly #listeners: Listeners;
  readonly #tasks: Tasks;
  /** Where one instance is active at a time. */
  readonly #alone: { readonly gate: Gate; readonly instance: Instance } | undefined;
  #answerer: Answerer | undefined;
  #answering: Subscriptions = Promise.resolve([]);
  #instance: TeraService | undefined;
  #subscribed = false;
  /** Whether anybody could have reached it: a start that fails has nothing to drain. */
  #served = false;

  constructor(plan: ServicePlan, logger: Logger, parts: HostParts) {
    this.plan = plan;
    this.logger = logger;
    this.#parts = parts;
    this.#reporter = new Reporter(logger, parts.clock);
    const { contract } = plan;
    const declared = new Declared(plan.name, contract, plan.uses);
    const common = { ...parts, service: contract.address, declared };
    // One for each service: receivers count by source, and would take the numbers of the others for lost.
    const sequencer = new Sequencer({ newEpoch: parts.newId });
    this.#publisher = new Publisher({ ...common, sequencer, reporter: this.#reporter });
    const caller = new Caller(common);
    const chained: ChainedBus = {
      publish: (...outgoing) => this.#publisher.publish(...outgoing),
      client: (contract, chain) => caller.client(contract, chain),
    };
    this.#batches = new Batches({ ...common, chained });
    const { lifecycle, clock, transport, newId, standbyAfterMs, middlewares } = parts;
    this.#preparation = new Preparation({ plan, logger, clock, bus: chained, middlewares });
    const topics = instanceTopics(contract);
    if (topics !== undefined) {
      const gate = new Gate(clock);
      const work = this.#instanceWork(gate);
      const instance = new Instance({ id: newId(), topics, transport, clock, logger, standbyAfterMs, work });
      this.#alone = { gate, instance };
    }
    this.stored = new Stored(plan, this.#reporter, parts);
    this.#intake = new Intake(plan, logger, this.#reporter, parts, this.#alone?.gate);
    this.#listeners = new Listeners(plan, this.#reporter, parts, {
      intake: this.#intake,
      stored: this.stored,
      alone: this.#alone !== undefined,
    });
    parts.suspects.beside(() => this.#listeners.queues);
    this.#tasks = new Tasks({
      name: plan.name,
      clock,
      signal: lifecycle.signal,
      active: () => this.active,
      calmly: (task) => this.#calmly('every', task),
    });
    this.bus = serviceBus({
      name: plan.name,
      chained,
      batches: this.#batches,
      declared,
      listeners: this.#listeners,
      started: () => this.#instance !== undefined,
      draining: () => lifecycle.signal.aborted,
      preparation: this.#preparation,
    });
  }

  /** Whether there is anything that has to be there for it: streams that it publishes to or reads, or its bucket. */
  get storing(): boolean {
    const { streams, buckets } = planStreams([this.plan]);
    return streams.length + buckets.length > 0;
  }

  get role(): Role {
    return this.#alone?.instance.role ?? (this.#subscribed ? 'active' : 'starting');
  }

  /** Whether it is this instance that works. */
  get active(): boolean {
    return this.#alone === undefined || this.role === 'active';
  }

  get health(): ServiceHealth {
    const { contract } = this.plan;
    const groups = this.#listeners.groups;
    if (this.#answerer !== undefined) {
      groups.push({ pattern: `${contract.address}.rpc`, queue: this.#answerer.queue, reader: undefined });
    }
    return {
      address: contract.address,
      role: this.role,
      held: this.#alone?.gate.held ?? 0,
      groups: groups.map(({ pattern, queue, reader }) => {
        const { running, waiting, waitingBytes, dropped } = queue;
        const { maxQueued, maxQueuedBytes } = queue.limits;
        const stored = reader?.health;
        return { pattern, running, waiting, waitingBytes, maxQueued, maxQueuedBytes, dropped, stored };
      }),
    };
  }

  /** The instance gets its bus, and `onStart` runs. */
  async start(instance: TeraService, signal: AbortSignal): Promise<void> {
    const { clock, config, lifecycle } = this.#parts;
    this.#instance = instance;
    instance[ATTACH]({
      bus: this.bus,
      batches: this.#batches,
      logger: this.logger,
      clock,
      config,
      signal: lifecycle.signal,
      active: () => this.active,
      catchUp: (source) => this.stored.catchUp(source),
      every: (intervalMs, task) => this.#tasks.every(intervalMs, task),
      lease: (name, work, options) =>
        underLease(this.#leases(), name, (lease) => this.#tasks.run(() => work(lease)), options),
    });
    await this.#hooks.onStart?.(signal);
  }

  /** Subscribes to what the decorated methods handle. Resolves when messages published from now on arrive somewhere. */
  async listen(): Promise<void> {
    const service = this.#instance as TeraService;
    for (const { source, handlers } of this.#preparation.groups(service)) this.#listeners.listen(source, handlers);
    if (this.plan.methods.size > 0) {
      this.#answerer = new Answerer({
        ...this.#parts,
        service: this.plan.contract.address,
        options: this.plan.rpc,
        methods: this.#preparation.methods(service),
        reporter: this.#reporter,
      });
    }
    if (this.#alone === undefined) await this.#subscribe();
    else await this.#alone.instance.start();
    this.#subscribed = true;
  }

  async ready(): Promise<void> {
    this.#served = true;
    await this.#hooks.onReady?.();
  }

  /** Before the intake ends: `onDrain`, and a standby, if there is one, gets ready to take what this one won't. */
  async beginDrain(timeIsUp: Promise<void>): Promise<void> {
    this.#batches.hurry();
    if (this.#served) await Promise.race([this.#calmly('onDrain', () => this.#hooks.onDrain?.()), timeIsUp]);
    await Promise.race([this.#calmly('leaving', () => this.#alone?.instance.leave()), timeIsUp]);
  }

  /** Stops the intake of messages, and lets those that arrived be handled. */
  async finishMessages(): Promise<void> {
    await this.#listeners.unsubscribeAll();
    this.stored.giveBack();
    this.#alone?.instance.intakeEnded();
    await Promise.all([...this.#listeners.queues.map((queue) => queue.finished()), this.#tasks.finished()]);
    await this.stored.settled();
  }

  /** Stops the intake of calls, and lets those that arrived be answered. */
  async finishCalls(): Promise<void> {
    await this.#intake.end(this.#answering);
    await this.#answerer?.queue.finished();
  }

  /** Gives up on what has not been finished. */
  async endDrain(timeIsUp: Promise<void>): Promise<CutOff> {
    const cutOff = unfinished(this.#queues(), this.#tasks, this.#alone?.gate.held ?? 0);
    for (const queue of this.#queues()) queue.cutOff();
    await this.stored.settledWithin(PUT_ASIDE_MS);
    // What is held is cut off too: calls are answered.
    this.#alone?.gate.open(() => undefined);
    await Promise.race([this.#answerer?.sent(), timeIsUp.then(() => undefined)]);
    await Promise.race([this.#calmly('leaving', () => this.#alone?.instance.released()), timeIsUp]);
    this.#tellOf(cutOff);
    return cutOff;
  }

  /** Runs `onStop`, and lets what is published go out and be stored, but waits no longer than until `timeIsUp` resolves. */
  async stop(timeIsUp: Promise<void>): Promise<void> {
    const late = timeIsUp.then(() => 'late' as const);
    if ((await Promise.race([this.#calmly('onStop', () => this.#hooks.onStop?.()), late])) === 'late') {
      say(this.logger, 'error', {}, `${this.plan.name}.onStop took too long: the host ends without it`);
    }
    const sent = [this.#batches.end(), this.#publisher.stored(), this.#publisher.end()];
    await Promise.race([Promise.all(sent), late]);
  }

  /** Logs what is not said yet: of what was still to be sent when the transport was closed, too. */
  end(): void {
    this.#reporter.close();
  }

  get #hooks(): Hooks {
    return this.#instance as unknown as Hooks;
  }

  #leases(): LeasesParts {
    const { transport, clock, newId, lifecycle } = this.#parts;
    const { name, contract, leases } = this.plan;
    const keyValue = () => transport.keyValue(bucketOf(contract.address));
    return { name, planned: leases, keyValue, newId, clock, signal: lifecycle.signal };
  }

  #queues(): DeliveryGroup[] {
    const { queues } = this.#listeners;
    return this.#answerer === undefined ? queues : [...queues, this.#answerer.queue];
  }

  /** Nothing that fails here may keep the others from ending. */
  async #calmly(hook: string, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      say(this.logger, 'error', { err: error }, `${this.plan.name}.${hook} failed`);
    }
  }

  async #subscribe(): Promise<void> {
    const { address, aliases } = this.plan.contract;
    if (this.#answerer !== undefined) {
      const topics = [address, ...aliases].map((each) => toSubject(`${each}.rpc`));
      this.#answering = this.#intake.subscribe(topics, this.#answerer, false);
    }
    if (this.#alone !== undefined) {
      await Promise.all([this.#answering, this.#listeners.subscribeAll()]);
      return;
    }
    await Promise.all([this.#answering, this.#listeners.subscribed()]);
    await this.stored.read();
  }

  async #endIntake(): Promise<void> {
    await Promise.all([this.#intake.end(this.#answering), this.#listeners.unsubscribeAll()]);
  }

  /** What becomes of the service when the role of its instance changes. */
  #instanceWork(gate: Gate): InstanceWork {
    return {
      hold: async () => {
        gate.close();
        try {
          await this.#subscribe();
        } catch (error) {
          // What still came would be held for ever, and be missing where the other instance is active.
          await this.#endIntake();
          throw error;
        }
      },
      mark: () => gate.mark(),
      begin: async () => {
        await this.#calmly('onActive', () => this.#hooks.onActive?.());
        gate.open(() => this.#listeners.judge(true));
        await this.#calmly('reading', () => this.stored.read());
      },
      judge: (on) => this.#listeners.judge(on),
      endIntake: () => this.#endIntake(),
      finish: async () => {
        const { clock, drainTimeoutMs } = this.#parts;
        this.stored.giveBack();
        this.#tellOf(await finishWithin(drainTimeoutMs, clock, this.#queues(), this.#tasks));
        // What was published here comes before what the next one publishes.
        this.#batches.seal();
        await this.stored.settled();
        await this.#answerer?.sent();
      },
      stoodBy: () => this.#calmly('onStandby', () => this.#hooks.onStandby?.()),
    };
  }

  #tellOf(cutOff: CutOff): void {
    if (cutOff.running + cutOff.waiting === 0) return;
    this.#parts.emit({ kind: 'cut-off', service: this.plan.contract.address, topic: '', ...cutOff });
    say(this.logger, 'warn', cutOff, 'the time for the drain was over: work was cut off');
  }
}
