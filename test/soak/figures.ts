import { backlogs } from './backlog/backlog.js';
import { cluster } from './durable/cluster.js';
import { durableLoss } from './durable/durable-loss.js';
import { missing } from './durable/missing.js';
import { effects } from './effects/effects.js';
import { handlers } from './handlers/handlers.js';
import { hostile } from './hostile/hostile.js';
import { injection } from './injection/injection.js';
import { deadLink } from './links/dead-link.js';
import { honest } from './links/honest.js';
import { memoryBounds } from './memory/memory.js';
import { permissions } from './permissions/permissions.js';
import { poison } from './poison/poison.js';
import { rollout } from './rollout/rollout.js';
import type { Figure } from './run/figure.js';
import { sequences } from './sequences/sequences.js';

/** In the order in which a run measures them. */
export const figures: readonly Figure[] = [
  honest,
  deadLink,
  rollout,
  handlers,
  memoryBounds,
  hostile,
  injection,
  sequences,
  permissions,
  durableLoss,
  cluster,
  missing,
  effects,
  poison,
  backlogs,
];
