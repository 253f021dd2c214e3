import { setTimeout as pause } from 'node:timers/promises';
import {
  BusError,
  defineService,
  defineTopic,
  from,
  OnPayload,
  openBus,
  planStreams,
  Service,
  type Stored,
  startHost,
  TeraService,
} from '@terabus/core';
import type { StoredMessage, Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';

const rounds = defineTopic('round.{ward}', { wrapper: 'text', durable: true });
const lamps = defineTopic('lamp.{name}', { wrapper: 'text', durable: { lastValue: true } });

@Service(defineService('Rounds', {}), { uses: [rounds, lamps] })
class RoundsService extends TeraService {}

@Service(defineService('Panel', {}), { uses: [lamps] })
class PanelService extends TeraService {
  readonly seen: string[] = [];

  @OnPayload(from(lamps.all, { everyInstance: true }))
  onLamp(text: string, { topic }: { readonly topic: string }) {
    this.seen.push(`${topic} ${text}`);
  }
}

describe('publishing to durable topics over NATS', () => {
  let server: NatsServer;
  let transport: Transport;
  let cases = 0;

  const options = () => ({ servers: server.url, namespace: `case${cases}` });
  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    cases += 1;
    await provision(planStreams([RoundsService]), options());
    transport = await connectNats(options());
  });
  afterEach(() => transport.close());

  const speaker = () => openBus({ transport, source: 'service.Rounds' });
  const inStream = async (stream: string): Promise<StoredMessage[]> => {
    const { lastSequence } = await transport.streams.streamState(stream);
    const numbers = Array.from({ length: lastSequence }, (_, n) => n + 1);
    const all: (StoredMessage | undefined)[] = [];
    while (numbers.length > 0) {
      const some = numbers.splice(0, 200).map((fromSequence) => transport.streams.read(stream, { fromSequence }));
      all.push(...(await Promise.all(some)));
    }
    return all.filter((each) => each !== undefined);
  };
  const textOf = ({ bytes }: StoredMessage) => new TextDecoder().decode(bytes);

  it('loses nothing that it acknowledged, stores nothing twice and keeps the order, while the server is killed', async () => {
    const bus = speaker();
    const wards = ['a', 'b', 'c'];
    const stored: (Promise<Stored> & { text?: string })[] = [];
    let killing = true;
    const publishing = (async () => {
      for (let n = 0; killing; n++) {
        const ward = wards[n % wards.length] as string;
        stored.push(Object.assign(bus.publish(rounds({ ward }), `${n}`), { text: `${n}` }));
        if (n % 30 === 29) await pause(5);
      }
    })();
    for (let n = 0; n < 3; n++) {
      await pause(200);
      await server.kill();
      await server.restart();
    }
    killing = false;
    await publishing;
    const receipts = await Promise.all(stored);

    const lying = await inStream('round.{ward}');
    expect(lying, 'nothing twice, nothing lost').to.have.length(stored.length);
    for (const [n, { sequence }] of receipts.entries()) {
      expect(textOf(lying[sequence - 1] as StoredMessage)).to.equal(stored[n]?.text);
    }
    for (const ward of wards) {
      const numbers = lying.filter(({ subject }) => subject === `round.${ward}`).map((each) => Number(textOf(each)));
      expect(numbers).to.deep.equal(numbers.toSorted((one, other) => one - other));
    }
  });

  it('says that nobody knows while the server hangs, and finds out under the same id', async () => {
    const bus = speaker();
    const ids = Array.from({ length: 20 }, (_, n) => `round ${n}`);
    const publish = (timeoutMs: number) =>
      ids.map((messageId) => bus.publish(rounds({ ward: 'a' }), messageId, { messageId, timeoutMs }));
    await server.pause();
    const outcomes = await Promise.allSettled(publish(300));
    server.resume();
    for (const outcome of outcomes) {
      const { reason } = outcome as PromiseRejectedResult;
      expect(BusError.is(reason) && reason.reason).to.equal('TERABUS_STORE_UNKNOWN');
    }
    await Promise.all(publish(20_000));
    expect((await inStream('round.{ward}')).map(textOf)).to.deep.equal(ids);
  });

  it('gives late joiners the last value of each topic, then what is published, over restarts of the server', async () => {
    const bus = speaker();
    const say = (name: string, text: string) => bus.publish(lamps({ name }), text);
    for (let n = 0; n < 50; n++) await say(`${n % 5} é`, `${n}`);
    const host = await startHost({
      transport: await connectNats(options()),
      services: [PanelService],
      logger: pino({ level: 'silent' }),
    });
    try {
      const { seen } = host.service(PanelService);
      await eventually(() => {
        expect(seen.toSorted()).to.deep.equal([45, 46, 47, 48, 49].map((n) => `lamp.${n % 5} é ${n}`));
      });
      await say('0 é', '50');
      await eventually(() => {
        expect(seen.slice(5)).to.deep.equal(['lamp.0 é 50']);
      });
      await server.kill();
      await server.restart();
      await say('1 é', '51');
      await say('new', '52');
      await eventually(() => {
        expect(seen.slice(6)).to.have.members(['lamp.1 é 51', 'lamp.new 52']);
      });
    } finally {
      await host.stop();
    }
  });
});
