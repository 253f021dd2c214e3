import type { Transport } from '@terabus/core/transport';
import { use } from 'chai';
import { afterEach, beforeEach, describe } from 'mocha';
import { terabusAssertions } from '../assertions.js';
import { givenBy, listCases } from './case-list.js';
import type { Features } from './features.js';
import type { Bus, Suite } from './suite.js';
import { close } from './transport/close.js';
import { confirm } from './transport/confirm.js';
import { drain } from './transport/drain.js';
import { groups } from './transport/groups.js';
import { headers } from './transport/headers.js';
import { isolation } from './transport/isolation.js';
import { link } from './transport/link.js';
import { noResponders } from './transport/no-responders.js';
import { order } from './transport/order.js';
import { overlap } from './transport/overlap.js';
import { payloadLimit } from './transport/payload-limit.js';
import { publishSubscribe } from './transport/publish-subscribe.js';
import { requestReply } from './transport/request-reply.js';
import { topics } from './transport/topics.js';
import { wildcards } from './transport/wildcards.js';

/**
 * The contract of the port as tests: registers with mocha, under `name`, all that a transport has to do.
 *
 * ```ts
 * transportConformance('memory', { groups: true, headers: true, noResponders: true, payloadLimit: true, streams: true }, async () => {
 *   const broker = new MemoryBroker();
 *   return { connect: async () => broker.connect(), close: () => broker.close() };
 * });
 * ```
 *
 * `open` is called before each case and has to give a bus on which nobody else talks. Start a server once, around the
 * suite, and give each case a namespace of its own.
 *
 * No case waits for time to pass. That something does not arrive is shown by `flush` and `drain`: what is not there
 * after them never comes.
 */
export function transportConformance(name: string, features: Features, open: () => Promise<Bus>): void {
  use(terabusAssertions);

  describe(`the transport over ${name}`, function () {
    let bus: Bus;
    let connections: Transport[];

    beforeEach(async () => {
      connections = [];
      bus = await open();
    });

    afterEach(async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await bus.close();
    });

    const suite: Suite = {
      connect: async () => {
        const connection = await bus.connect();
        connections.push(connection);
        return connection;
      },
      given: givenBy(features),
    };

    publishSubscribe(suite);
    topics(suite);
    wildcards(suite);
    overlap(suite);
    groups(suite);
    headers(suite);
    requestReply(suite);
    noResponders(suite);
    payloadLimit(suite);
    order(suite);
    drain(suite);
    confirm(suite);
    close(suite);
    link(suite);
    isolation(suite);
    listCases('transport', name, this);
  });
}
