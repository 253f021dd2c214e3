import type { Inbox } from '../durable/inbox.js';
import type { Suspects } from '../durable/suspects.js';
import type { Middleware } from '../middleware/middleware.js';
import type { BusEvent } from '../observe/observer.js';
import type { NewId } from '../publishing/ids.js';
import type { Interceptor } from '../publishing/interceptor.js';
import type { CallRetries } from '../rpc/retry.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import type { Lifecycle } from './lifecycle.js';
import type { Config } from './tokens.js';

/** What all services of a host share. */
export interface HostParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly newId: NewId;
  readonly middlewares: readonly Middleware[];
  readonly interceptors: readonly Interceptor[];
  readonly callRetries: CallRetries;
  readonly emit: (event: BusEvent) => void;
  /** The same for what nobody counts. Undefined where nobody watches. */
  readonly watch: ((event: BusEvent) => void) | undefined;
  readonly answerRedisClients: boolean;
  /** An active instance that is silent for so many milliseconds is taken for gone. */
  readonly standbyAfterMs: number;
  /** How long an instance that hands over may take to finish what it has, in milliseconds. */
  readonly drainTimeoutMs: number;
  readonly version: string | undefined;
  /** Where the services of the host remember what they have finished, if it isn't their buckets. */
  readonly inbox: Inbox | undefined;
  /** Runs messages that may end the process: one at a time over all services. */
  readonly suspects: Suspects;
}
