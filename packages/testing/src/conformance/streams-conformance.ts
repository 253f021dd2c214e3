import { use } from 'chai';
import { afterEach, beforeEach, describe } from 'mocha';
import { terabusAssertions } from '../assertions.js';
import { listCases } from './case-list.js';
import { consuming } from './streams/consuming.js';
import { keyValues } from './streams/key-values.js';
import { lookingAfter } from './streams/looking-after.js';
import { reading } from './streams/reading.js';
import { redelivery } from './streams/redelivery.js';
import { storing } from './streams/storing.js';
import { type StreamBus, StreamsCase } from './streams/streams-suite.js';

/**
 * What a transport that stores promises, as tests: registers with mocha, under `name`, how messages are stored and
 * handed out, what comes again and when, how streams are read and looked after, and what a bucket does.
 *
 * ```ts
 * streamsConformance('memory', async () => {
 *   const clock = new VirtualClock();
 *   const broker = new MemoryBroker({ clock });
 *   return { clock, connect: async () => broker.connect(), provision: async (plan) => broker.provision(plan), … };
 * });
 * ```
 *
 * `open` is called once or twice in each case and has to give a bus on which nobody else talks or stores. With a
 * `clock` the cases move time themselves; without one, some of them wait for acknowledgements of 400 ms to be due.
 * No case sleeps: that something does not come again is shown by another thing of the same age that does.
 */
export function streamsConformance(name: string, open: () => Promise<StreamBus>): void {
  use(terabusAssertions);

  describe(`streams over ${name}`, function () {
    let current: StreamsCase;

    beforeEach(async () => {
      current = new StreamsCase(open);
      await current.begin();
    });
    afterEach(() => current.end());

    const suite = {
      connect: () => current.connect(),
      bus: () => current.bus(),
      elsewhere: () => current.elsewhere(),
      withStream: (stream: Parameters<StreamsCase['withStream']>[0]) => current.withStream(stream),
      pass: (ms: number) => current.pass(ms),
    };

    storing(suite);
    consuming(suite);
    redelivery(suite);
    reading(suite);
    lookingAfter(suite);
    keyValues(suite);
    listCases('streams', name, this);
  });
}
