import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { defineService, defineTopic, from, OnPayload, planStreams, Service, TeraService } from '../index.js';
import { Stage } from '../service/stage.spec.js';
import type { StreamDelivery, Transport } from '../transport/index.js';

const readings = defineTopic('readings', { wrapper: 'text', durable: true });
const encoder = new TextEncoder();

describe('a stream whose copies differ', () => {
  let stage: Stage;
  let handled: string[];
  /** What the consumer has handed out, and how it hands out more. */
  let deliveries: StreamDelivery[];
  let handOut: (delivery: StreamDelivery) => void;
  let acked: number;

  @Service(defineService('Test.Readings', {}), { uses: [readings] })
  class ReadingsService extends TeraService {
    @OnPayload(from(readings, {}))
    onReading(text: string) {
      handled.push(text);
    }
  }

  /** A connection whose deliveries are seen. */
  const watched = (): Transport => {
    const transport = stage.broker.connect();
    const { streams } = transport;
    const consume = streams.consume.bind(streams);
    streams.consume = (options, deliver) => {
      if (options.stream !== 'readings') return consume(options, deliver);
      handOut = (delivery) => {
        deliveries.push(delivery);
        deliver(delivery);
      };
      return consume(options, handOut);
    };
    return transport;
  };

  beforeEach(async () => {
    stage = new Stage();
    handled = [];
    deliveries = [];
    acked = 0;
    stage.broker.provision(planStreams([ReadingsService]));
    await stage.start(ReadingsService, { transport: watched() });
    for (const text of ['1', '2']) {
      await stage.client.publish({ topic: 'readings', bytes: encoder.encode(text) });
      await stage.clock.advance(10);
    }
  });
  afterEach(() => stage.end());

  /** As the first message, but for these. */
  const another = (changes: Partial<StreamDelivery>): StreamDelivery => {
    const { subject, headers, stream, sequence, storedAt } = deliveries[0] as StreamDelivery;
    const ways = {
      ack: () => (acked += 1),
      later: () => undefined,
      superseded: () => undefined,
      working: () => undefined,
    };
    const one = { subject, headers, stream, sequence, storedAt, bytes: encoder.encode('other') };
    return { ...one, deliveries: 1, pending: 0, ...ways, ...changes };
  };
  const told = () => stage.log.filter(({ msg }) => msg.includes('TERABUS_STREAM_COPIES_DIFFER'));

  it('has both messages of a number handled, and says what that means', async () => {
    handOut(another({ storedAt: (deliveries[0] as StreamDelivery).storedAt + 0.001 }));
    await stage.settle();
    expect(handled).to.deep.equal(['1', '2', 'other']);
    expect(acked).to.equal(1);
    expect(told().map(({ msg }) => msg)).to.have.length(1);
    expect(told()[0]).to.include({ stream: 'readings', sequence: 1 });
  });

  it('is none where the same message comes again', async () => {
    handOut(another({ deliveries: 2 }));
    await stage.settle();
    expect(handled).to.deep.equal(['1', '2']);
    expect(acked).to.equal(1);
    expect(told()).to.deep.equal([]);
  });

  it('is none where it was made anew, which numbers from 1 again', async () => {
    for (const sequence of [1, 2]) handOut(another({ sequence, storedAt: stage.clock.now() + sequence }));
    await stage.settle();
    expect(handled).to.deep.equal(['1', '2', 'other', 'other']);
    expect(told()).to.deep.equal([]);
  });
});
