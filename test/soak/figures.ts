import { handlers } from './handlers/handlers.js';
import type { Figure } from './run/figure.js';

/** In the order in which a run measures them. */
export const figures: readonly Figure[] = [handlers];
