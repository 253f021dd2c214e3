import type { Logger } from 'pino';
import type { Delivery } from '../contract/contract.js';
import type { HandlerPlan, ServicePlan } from '../contract/contract-of.js';
import type { Middleware, Next } from '../middleware/middleware.js';
import { compose } from '../middleware/middleware.js';
import type { HandlerPlace } from '../routing/context.js';
import type { PreparedMethod } from '../rpc/answer.js';
import type { Clock } from '../transport/clock.js';
import type { ChainedBus } from './bus.js';
import type { Handlers } from './listeners.js';
import type { TeraService } from './tera-service.js';

/** What handlers get beside their message, whoever they belong to. */
export interface Surroundings {
  readonly plan: ServicePlan;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly bus: ChainedBus;
  /** Those of the host. */
  readonly middlewares: readonly Middleware[];
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Makes of what a plan names what runs per message: everything about it is decided once. */
export class Preparation {
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  place({ name }: Pick<HandlerPlan, 'name'>): HandlerPlace {
    const { plan, logger, clock, bus } = this.#surroundings;
    return { service: plan.contract.address, handler: name, logger, clock, bus };
  }

  around({ middlewares }: Pick<HandlerPlan, 'middlewares'>, method: Next): Next {
    return compose([...this.#surroundings.middlewares, ...middlewares], method);
  }

  /** The delivery groups of the decorated methods. */
  groups(service: TeraService): { readonly source: Delivery; readonly handlers: Handlers }[] {
    const members = service as unknown as Methods;
    return this.#surroundings.plan.groups.map((group) => {
      const handlers = [...group.handlers].map(([key, handler]) => {
        const method: Next = (message, context) => members[handler.member]?.(message, context);
        return [key, { place: this.place(handler), type: handler.type, run: this.around(handler, method) }] as const;
      });
      return { source: { kind: 'delivery', ...group } as Delivery, handlers };
    });
  }

  /** The methods that answer calls. */
  methods(service: TeraService): Map<string, PreparedMethod> {
    const members = service as unknown as Methods;
    const prepared = new Map<string, PreparedMethod>();
    for (const [name, plan] of this.#surroundings.plan.methods) {
      const method: Next = (args, context) => members[plan.member]?.(...(args as unknown[]), context);
      prepared.set(name, { plan, place: this.place(plan), run: this.around(plan, method) });
    }
    return prepared;
  }
}
