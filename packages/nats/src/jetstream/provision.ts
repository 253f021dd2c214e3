import type { Difference, StorePlan } from '@terabus/core/transport';
import { BusError, driftError } from '@terabus/core/transport';
import { dialWith } from '../nats-link.js';
import { NatsTransport } from '../nats-transport.js';
import type { NatsOptions } from '../options.js';
import { checkNatsOptions } from '../options.js';
import { type ApiError, described, ERR, isPassing } from './api-error.js';
import type { JetStream } from './jetstream.js';
import { differencesOf, look, type Part, partsOf, type Seen } from './look.js';
import { patiently } from './patience.js';

/** What {@link provision} did. */
export interface Provisioned {
  /** What was missing and is there now: `stream 'module.Clinic.Ward.events'`, `consumer '…' of stream '…'`. */
  readonly made: readonly string[];
  /** What was there as planned. */
  readonly left: readonly string[];
}

/**
 * Makes the streams, consumers and buckets of a plan that are missing, on a connection of its own, and leaves what is
 * there as planned. It never changes or deletes anything: what differs is refused, before anything is made. Run it
 * with credentials of its own before a rollout (`provisionPermissions` has what they need).
 *
 * ```ts
 * const { made } = await provision(planStreams([WardService]), { servers, namespace: 'prod', user: 'provisioner', password });
 * ```
 *
 * @throws BusError `TERABUS_STORE_DRIFT` with field, wanted and found of all that differs, and for a stream of another
 * service, which has to be provisioned first; `TERABUS_STREAM_UNAVAILABLE` without JetStream; `TERABUS_STREAM_FULL` when
 * it has not the room; those of `connectNats`
 */
export function provision(plan: StorePlan, options: NatsOptions = {}): Promise<Provisioned> {
  return connected(options, async (jetStream) => {
    const parts = partsOf(plan, jetStream);
    const seen = await lookAtAll(jetStream, parts);
    refuseDrift(seen);
    const missing = seen.filter((one) => one.missing).map(({ part }) => part);
    const foreign = missing.find(({ make }) => make === undefined);
    if (foreign) {
      throw new BusError(
        `there is no ${foreign.called}, which another service owns: provision the plan of that one first`,
        {
          reason: 'TERABUS_STORE_DRIFT',
        },
      );
    }
    for (const part of missing) await make(jetStream, part);
    // Two may provision at a time, and servers of 2.9 change a consumer when they are asked to make another one.
    refuseDrift(await lookAtAll(jetStream, missing));
    return {
      made: missing.map(({ called }) => called),
      left: seen.filter((one) => !one.missing).map(({ part }) => part.called),
    };
  });
}

/**
 * How what is there differs from a plan, and makes and changes nothing: what {@link provision} would make has no
 * `field`, all else is what it would refuse.
 *
 * @throws BusError as {@link provision}, but for what differs
 */
export function compareStore(plan: StorePlan, options: NatsOptions = {}): Promise<readonly Difference[]> {
  return connected(options, async (jetStream) => {
    const seen = await lookAtAll(jetStream, partsOf(plan, jetStream));
    return differencesOf(seen);
  });
}

async function connected<T>(options: NatsOptions, work: (jetStream: JetStream) => Promise<T>): Promise<T> {
  const checked = checkNatsOptions(options);
  const transport = await NatsTransport.connect(checked, dialWith(checked));
  try {
    return await work(transport.jetStream);
  } finally {
    await transport.close();
  }
}

const lookAtAll = (jetStream: JetStream, parts: readonly Part[]): Promise<Seen[]> =>
  Promise.all(parts.map((part) => patiently(jetStream, () => look(jetStream, part))));

function refuseDrift(seen: readonly Seen[]): void {
  const differences = seen.filter(({ missing }) => !missing).flatMap((one) => one.differences);
  if (differences.length > 0) throw driftError(differences);
}

async function make(jetStream: JetStream, { called, make: request }: Part): Promise<void> {
  if (request === undefined) return;
  const { error } = await patiently(jetStream, async () => {
    const answer = await jetStream.call(request.operation, request.body);
    if (
      answer.error &&
      isPassing(answer.error) &&
      !isOff(answer.error) &&
      answer.error.err_code !== ERR.insufficientResources
    ) {
      throw new BusError(described(answer.error), { reason: 'TERABUS_STREAM_UNAVAILABLE' });
    }
    return answer;
  });
  if (error) throw notMade(called, error);
}

const isOff = ({ err_code }: ApiError) => err_code === ERR.notEnabled || err_code === ERR.notEnabledForAccount;

/** With what to do about it. */
function notMade(called: string, error: ApiError): BusError {
  const { err_code } = error;
  const made = (reason: 'TERABUS_STREAM_FULL' | 'TERABUS_STORE_DRIFT' | 'TERABUS_STREAM_UNAVAILABLE', help: string) =>
    new BusError(`${called} can't be made: ${described(error)}. ${help}`, { reason });
  if (err_code === ERR.replicasWithoutCluster || err_code === ERR.noPeers) {
    return made('TERABUS_STORE_DRIFT', 'It wants more replicas than there are servers with JetStream: plan fewer');
  }
  if (err_code === ERR.overlap) {
    return made('TERABUS_STORE_DRIFT', 'Another stream stores one of its subjects: remove that one, or this topic');
  }
  if (err_code === ERR.nameInUse)
    return made('TERABUS_STORE_DRIFT', 'Somebody else made it differently in the meantime');
  if (isOff(error)) return made('TERABUS_STREAM_UNAVAILABLE', 'Switch JetStream on at the server and for this account');
  const full = [ERR.storageExceeded, ERR.memoryExceeded, ERR.insufficientResources, ERR.accountResourcesExceeded];
  if (full.some((code) => code === err_code)) {
    return made(
      'TERABUS_STREAM_FULL',
      'JetStream keeps room for maxBytes of each stream: plan less or none, or give it more',
    );
  }
  return new BusError(`${called} can't be made: ${described(error)}`, { reason: 'TERABUS_NATS_ERROR' });
}
