import type { DeliveryOptions, TopicDefinition } from '../contract/contract.js';
import type { DurableSettings } from '../contract/durable.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import type { Router } from '../routing/router.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import type { Depot } from './depot.js';
import type { Inbox } from './inbox.js';
import type { Suspects } from './suspects.js';

/** What the messages of one durable delivery group are handled with. */
export interface GroupParts {
  /** The address of the service. */
  readonly address: string;
  /** What the host was told of itself. */
  readonly version: string | undefined;
  /** In subject spelling. */
  readonly pattern: string;
  readonly definition: TopicDefinition & { readonly durable: DurableSettings };
  readonly options: DeliveryOptions;
  readonly router: Router;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly depot: Depot;
  /** Where the group has `deduplicate`. */
  readonly inbox: Inbox | undefined;
  readonly suspects: Suspects;
  readonly reporter: Reporter;
  readonly emit: (event: BusEvent) => void;
}
