import type { BusError } from '@terabus/messages';
import type { Counters } from '../observe/counters.js';
import type { LifecycleState } from '../service/lifecycle.js';
import type { TransportHealth } from '../transport/transport-health.js';

/**
 * What an instance of a service is.
 *
 * - `starting`: it handles nothing yet. `active`: it handles what comes.
 * - Only where the contract says `instances: 'one'`: `standby`: another instance is active. `taking-over`: it holds what
 *   comes until the other one has finished. `handing-over`: it finishes what it has, and takes nothing more.
 */
export type Role = 'starting' | 'active' | 'standby' | 'taking-over' | 'handing-over';

/** One delivery group, or the calls, of a service at this moment. */
export interface GroupHealth {
  /** What is subscribed to, in subject spelling. */
  readonly pattern: string;
  /** Handlers that run, and those that were abandoned and hold their slot still. */
  readonly running: number;
  /** Messages or calls that wait for a slot. */
  readonly waiting: number;
  /** The same in bytes, as they came over the wire with their headers. */
  readonly waitingBytes: number;
  /** How many may wait: what comes beyond is dropped, or refused if it is a call. */
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  /** How many envelopes or calls came beyond, since the start. */
  readonly dropped: number;
  /** What lies in the stream of a durable topic. Undefined for what is not stored. */
  readonly stored: BacklogHealth | undefined;
}

/** How far a durable delivery group is with what is stored. */
export interface BacklogHealth {
  /** How many messages this instance has taken and not finished. */
  readonly unsettled: number;
  /**
   * How many messages lie in the stream that no instance has taken, as the server said last: it is asked again, at most
   * once a second, whenever somebody asks here. Undefined until it has answered, and while the instance does not read.
   */
  readonly backlog: number | undefined;
}

/** One service of a host at this moment. */
export interface ServiceHealth {
  /** The contract's address: `module.TeraServer.UserManagerModule`. */
  readonly address: string;
  readonly role: Role;
  /** Messages and calls that are held until another instance has finished. */
  readonly held: number;
  readonly groups: readonly GroupHealth[];
}

/** Something that keeps a host from being ready. */
export interface Problem {
  /** The reason of the error behind it, or `TERABUS_NOT_STARTED` and `TERABUS_DRAINING` of the host's own life. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

/** How a host is: plain data that can be written as JSON. */
export interface Health {
  /**
   * Whether the process should be left alone. False when the host has ended since its transport was closed and nobody
   * had asked for it. That the event loop turns shows by this being answered at all.
   */
  readonly live: boolean;
  /** Whether it does its work: it is started, not on its way out, and there are no {@link problems}. */
  readonly ready: boolean;
  readonly state: LifecycleState;
  readonly problems: readonly Problem[];
  readonly connection: Omit<TransportHealth, 'problems'>;
  readonly services: readonly ServiceHealth[];
  /**
   * By how many milliseconds the event loop came late, over the last 10 to 20 seconds: the worst of a hundred turns,
   * and the worst of all. It is measured from the first time that somebody asks.
   */
  readonly eventLoop: { readonly delayMs: number; readonly maxMs: number };
  readonly counters: Counters;
}

/** What {@link healthOf} looks at. */
export interface HealthSources {
  readonly state: LifecycleState;
  /** Whether the transport went away by itself. */
  readonly lost: boolean;
  readonly transport: TransportHealth;
  readonly services: readonly ServiceHealth[];
  /** What keeps them from handling what is stored. */
  readonly ofServices: readonly BusError[];
  readonly eventLoop: Health['eventLoop'];
  readonly counters: Counters;
}

/**
 * A standby is ready: a deployment that waits for the new instance before it ends the old one would else wait for
 * ever, and nothing is sent to a service by its address in the network.
 */
export function healthOf(sources: HealthSources): Health {
  const { state, lost, transport, services, ofServices, eventLoop, counters } = sources;
  const { problems: ofTransport, ...connection } = transport;
  const problems: Problem[] = [...ofTransport, ...ofServices].map((error) => ({
    reason: error.reason ?? error.code,
    message: error.rawMessage,
  }));
  if (state === 'starting') problems.unshift({ reason: 'TERABUS_NOT_STARTED', message: 'the host is starting' });
  if (state === 'draining') problems.unshift({ reason: 'TERABUS_DRAINING', message: 'the host is draining' });
  if (state === 'stopped') problems.unshift({ reason: 'TERABUS_CLOSED', message: 'the host has stopped' });
  if (connection.state !== 'up' && ofTransport.length === 0) {
    const reason = connection.state === 'down' ? 'TERABUS_DISCONNECTED' : 'TERABUS_CLOSED';
    problems.push({ reason, message: `the connection is ${connection.state}` });
  }
  if (state === 'running') {
    for (const { address, role } of services) {
      if (role !== 'starting') continue;
      problems.push({ reason: 'TERABUS_NOT_STARTED', message: `${address} is not subscribed` });
    }
  }
  return {
    live: !(lost && state === 'stopped'),
    ready: problems.length === 0,
    state,
    problems,
    connection,
    services,
    eventLoop,
    counters,
  };
}
