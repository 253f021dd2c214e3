import type { HostOptions, ServiceClass } from '@terabus/core';
import { BusError, contractOf, startHost } from '@terabus/core';
import { MemoryBroker, VirtualClock } from '@terabus/core/memory';
import { isHeartbeat, type StorePlan, type Transport } from '@terabus/core/transport';
import { Harness, SERVICES } from './harness.js';
import { movingTime } from './idle.js';
import type { LogLine } from './logs.js';
import { capturing } from './logs.js';
import { Recorder } from './recorder.js';
import { Sender } from './sender.js';
import { storePlanOf } from './store-plan.js';
import type { AnyStub } from './stub.js';
import { serviceClassOf } from './stub.js';
import type { Wired } from './tap.js';
import { TappedTransport } from './tap.js';

type OfHost = 'container' | 'config' | 'middlewares' | 'interceptors' | 'observers' | 'drainTimeoutMs' | 'inbox';

/** What a harness is started with. What stands here of `HostOptions` is for the services, not for the stubs. */
export interface HarnessOptions extends Pick<HostOptions, OfHost> {
  /** The classes of the services under test. They run in one host. */
  readonly services: readonly ServiceClass[];
  /** Stand-ins for other modules, made by `stub`. They are there before the services start. Defaults to none. */
  readonly stubs?: readonly AnyStub[];
  /**
   * Opens a connection, for a test of the same services over a real server:
   * `transport: () => connectNats({ servers: server.url })`. It is called for the services, for the stubs and for the
   * test itself; the harness closes what it opened. Defaults to a broker in memory.
   *
   * Time is virtual all the same. `idle` then sends fences through the connections, which is exact on one server; in
   * a cluster a message may be on its way between two servers. `clock.advance` knows nothing of the wire: `idle` first.
   */
  readonly transport?: (() => Promise<Transport>) | undefined;
  /**
   * With a `transport` of its own: makes the streams that the services need, as `provision` of `@terabus/nats` does. In
   * memory the harness makes them by itself, also those of the contracts that the services use.
   */
  readonly provision?: ((plan: StorePlan) => Promise<void>) | undefined;
  /**
   * For how many milliseconds of real time nothing may move before `idle` gives up on a handler. Defaults to 1,000:
   * long enough for a file or a local database, short enough to read the sentence before mocha gives up.
   */
  readonly patienceMs?: number | undefined;
}

/**
 * Starts services for a test: in memory, in virtual time, with stand-ins for the modules they talk to.
 *
 * ```ts
 * const harness = await startHarness({ services: [Greeter], stubs: [stub(Accounts, { name_of: () => 'Ana' })] });
 * await harness.send(Greeter.messages, UserEvent.create({ userUuid }));
 * await harness.idle();
 * expect(harness.published(Greeter.events)).to.have.lengthOf(1);
 * await harness.stop();
 * ```
 *
 * @throws BusError as `startHost` does; `TERABUS_HOST_INVALID` when a stub stands in for a service under test;
 * `HARNESS_STUCK` when a service does not come to the end of its start: time stands still until the harness is there
 */
export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const { services, stubs = [], transport, provision, patienceMs = 1_000, observers = [], ...ofHost } = options;
  const { drainTimeoutMs = 25_000 } = ofHost;
  refuseTwins(services, stubs);
  const clock = new VirtualClock();
  const recorder = new Recorder(() => clock.elapsed());
  const wire: Wired[] = [];
  const logs: LogLine[] = [];
  const logger = capturing(logs);

  const broker = transport === undefined ? new MemoryBroker({ clock }) : undefined;
  const transports: Transport[] = [];
  const connect = async (name: string, published?: (message: Wired) => void) => {
    const inner = broker?.connect({ name }) ?? (await (transport as () => Promise<Transport>)());
    const tapped = new TappedTransport(inner, { moved: recorder.move, ...(published && { published }) });
    transports.push(tapped);
    return tapped;
  };

  try {
    const stored = storePlanOf([...services, ...stubs.map(serviceClassOf)]);
    broker?.provision(stored);
    await provision?.(stored);
    const senderTransport = await connect('test');
    const common = { clock, logger };
    const stubHost =
      stubs.length === 0
        ? undefined
        : await startHost({
            ...common,
            transport: await connect('stubs'),
            services: stubs.map(serviceClassOf),
            observers: [recorder.observe],
          });
    const starting = startHost({
      ...common,
      ...ofHost,
      startTimeoutMs: START_TIMEOUT_MS,
      transport: await connect(SERVICES, (message) => {
        if (!isHeartbeat(message.topic)) wire.push(message);
      }),
      services,
      observers: [recorder.observe, ...observers],
    });
    const host = await movingTime(starting, { recorder, patienceMs }, () =>
      // The first step ends the start; what is left of it may need the time of a drain.
      clock.advance(clock.elapsed() < START_TIMEOUT_MS ? START_TIMEOUT_MS : drainTimeoutMs),
    ).catch((error: unknown) => {
      throw neverStarted(error, patienceMs);
    });
    return new Harness({
      broker,
      clock,
      services: host,
      stubs: stubHost,
      sender: new Sender(senderTransport, clock),
      senderTransport,
      recorder,
      wire,
      logs,
      restless: {
        recorder,
        transports,
        busy: () => broker?.busy ?? false,
        patienceMs,
        elapsed: () => clock.elapsed(),
        pendingDelaysMs: () => clock.pendingDelaysMs,
      },
      drainTimeoutMs,
    });
  } catch (error) {
    await Promise.all(transports.map((opened) => opened.close()));
    throw error;
  }
}

/** In virtual time, which stands still while services start: it is moved when they don't. */
const START_TIMEOUT_MS = 1;

/** Says of services that started too late what that means here; other errors say it themselves. */
function neverStarted(error: unknown, patienceMs: number): unknown {
  if (!BusError.is(error) || error.details?.['doing'] === undefined) return error;
  const { service, doing } = error.details;
  return new BusError(
    `${service} is ${doing}, and nothing has moved for ${patienceMs} ms: virtual time stands still until the harness ` +
      'is there, and for real work that takes longer there is patienceMs',
    { code: 'DEADLINE_EXCEEDED', reason: 'HARNESS_STUCK', cause: error },
  );
}

/** They would share its calls, each getting some of them. */
function refuseTwins(services: readonly ServiceClass[], stubs: readonly AnyStub[]): void {
  for (const plan of services.map(contractOf)) {
    if (!stubs.some(({ contract }) => contract.address === plan.contract.address)) continue;
    throw new BusError(`${plan.name} serves ${plan.contract.address}: a stub can't stand in for it as well`, {
      reason: 'TERABUS_HOST_INVALID',
    });
  }
}
