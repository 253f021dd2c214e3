import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { defineService, defineTopic, from, OnPayload, planStreams, Service, TeraService } from '../index.js';
import { Stage } from '../service/stage.spec.js';

const readings = defineTopic('readings', { wrapper: 'text', durable: { maxMessages: 10 } });

@Service(defineService('Test.Readings', {}), { uses: [readings] })
class ReadingsService extends TeraService {
  @OnPayload(from(readings, {}))
  onReading() {}
}

describe('a stream that fills', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    stage.broker.provision(planStreams([ReadingsService]));
    await stage.start(ReadingsService);
  });
  afterEach(() => stage.end());

  const publish = async (messages: number) => {
    for (let n = 0; n < messages; n++) await stage.client.publish({ topic: 'readings', bytes: new Uint8Array([65]) });
  };
  const aMinute = () => stage.clock.advance(60_000);
  const told = () => stage.log.filter(({ msg }) => msg.includes('full')).map(({ msg }) => msg);

  it('is told of before it is full, once', async () => {
    await publish(7);
    await aMinute();
    expect(told()).to.deep.equal([]);
    await publish(1);
    await aMinute();
    const sentence = "the stream 'readings' is 80 % full: a full one refuses what is new";
    expect(told()).to.deep.equal([sentence]);
    await publish(2);
    await aMinute();
    expect(told()).to.deep.equal([sentence]);
  });

  it('is told of again when it has had room meanwhile', async () => {
    await publish(8);
    await aMinute();
    await stage.client.streams.purge('readings', { filter: 'readings' });
    await aMinute();
    await publish(9);
    await aMinute();
    expect(told()).to.have.length(2);
  });

  it('is not asked for any more when its host has ended', async () => {
    await stage.end();
    expect(stage.clock.pendingTimers).to.equal(0);
  });
});
