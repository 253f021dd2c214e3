import { use } from 'chai';
import { afterEach, beforeEach, describe } from 'mocha';
import { terabusAssertions } from '../assertions.js';
import { givenBy, listCases } from './case-list.js';
import type { Features } from './features.js';
import { batching } from './service/batching.js';
import { calls } from './service/calls.js';
import { confirm } from './service/confirm.js';
import { dispatch } from './service/dispatch.js';
import { drain } from './service/drain.js';
import { durable } from './service/durable.js';
import { durablePublishing } from './service/durable-publishing.js';
import { groups } from './service/groups.js';
import { instances } from './service/instances.js';
import { isolation } from './service/isolation.js';
import { order } from './service/order.js';
import { overload } from './service/overload.js';
import { sequences } from './service/sequences.js';
import { type ServiceBus, ServiceCase, type ServiceSuite } from './service/service-suite.js';
import { subscriptions } from './service/subscriptions.js';
import { timeouts } from './service/timeouts.js';

/**
 * What services are promised, as tests over a transport: registers with mocha, under `name`, how messages reach their
 * handlers, how calls are answered, what order, time and a drain mean.
 *
 * ```ts
 * serviceConformance('memory', features, async () => {
 *   const clock = new VirtualClock();
 *   const broker = new MemoryBroker({ clock });
 *   const provision = async (plan) => broker.provision(plan);
 *   return { clock, connect: async () => broker.connect(), provision, close: () => broker.close() };
 * });
 * ```
 *
 * `open` is called before each case and has to give a bus on which nobody else talks. With a `clock` the cases move
 * time themselves; without one, a few of them wait for timeouts of some 40 ms, and none says how fast anything is.
 * No case sleeps: that something is not handled is shown by what was sent behind it, and by the end of a drain.
 */
export function serviceConformance(name: string, features: Features, open: () => Promise<ServiceBus>): void {
  use(terabusAssertions);

  describe(`services over ${name}`, function () {
    let current: ServiceCase;

    beforeEach(async () => {
      current = new ServiceCase(await open());
    });
    afterEach(() => current.end());

    const suite: ServiceSuite = {
      connect: () => current.connect(),
      host: (services, options) => current.host(services, options),
      speaker: (source) => current.speaker(source),
      provision: (what) => current.provision(what),
      gate: () => current.gate(),
      pass: (ms) => current.pass(ms),
      given: givenBy(features),
    };

    dispatch(suite);
    groups(suite);
    order(suite);
    timeouts(suite);
    drain(suite);
    instances(suite);
    calls(suite);
    sequences(suite);
    confirm(suite);
    batching(suite);
    durablePublishing(suite);
    subscriptions(suite);
    isolation(suite);
    overload(suite);
    durable(suite);
    listCases('services', name, this);
  });
}
