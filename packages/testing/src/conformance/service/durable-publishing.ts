import {
  defineModule,
  defineService,
  defineTopic,
  type EventContext,
  from,
  OnPayload,
  openBus,
  Service,
  TeraService,
} from '@terabus/core';
import type { StoredMessage, Transport } from '@terabus/core/transport';
import { decodeModuleMessage, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe } from 'mocha';
import { user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const Reception = defineModule('Conformance.Reception', {
  events: { types: [UserEvent], durable: true },
  messages: { types: [UserEvent], durable: true },
});
const visits = defineTopic('conformance.visits.{uuid}', { wrapper: 'text', durable: true });
const lamps = defineTopic('conformance.lamps.{name}', { wrapper: 'text', durable: { lastValue: true } });

@Service(Reception, { uses: [Reception, visits, lamps] })
class ReceptionService extends TeraService {
  readonly admit = (uuid: string) => this.publish(Reception.events, user(uuid));
  readonly tell = (uuid: string) => this.send(Reception.messages, user(uuid));
}

const Panel = defineService('Conformance.Panel', {});

/** One that shows what comes to it. */
function panel(log: Log) {
  @Service(Panel, { uses: [lamps] })
  class PanelService extends TeraService {
    @OnPayload(from(lamps.all, { everyInstance: true }))
    onLamp(text: string, { topic }: EventContext) {
      log.add(`${topic.split('.').at(-1)} ${text}`);
    }
  }
  return PanelService;
}

export function durablePublishing({ host, speaker, provision, given }: ServiceSuite): void {
  const stored = async ({ streams }: Transport, stream: string): Promise<StoredMessage[]> => {
    const { lastSequence } = await streams.streamState(stream);
    const all: StoredMessage[] = [];
    for (let fromSequence = 1; fromSequence <= lastSequence; fromSequence++) {
      const message = await streams.read(stream, { fromSequence });
      if (message !== undefined) all.push(message);
    }
    return all;
  };
  const textOf = ({ bytes }: StoredMessage) => new TextDecoder().decode(bytes);

  describe('what is published to a durable topic', () => {
    given('streams')('is stored when its publisher is told, and where: events, messages, text', async () => {
      await provision([ReceptionService]);
      const running = await host([ReceptionService]);
      const service = running.host.service(ReceptionService);
      for (const [n, uuid] of ['1', '2', '3'].entries()) {
        const place = { sequence: n + 1, duplicate: false };
        expect(await service.admit(uuid)).to.deep.equal({ stream: 'module.Conformance.Reception.events', ...place });
        expect(await service.tell(uuid)).to.deep.equal({ stream: 'module.Conformance.Reception.messages', ...place });
      }
      const bus = await speaker();
      expect(await bus.publish(visits({ uuid: 'ä b' }), 'x')).to.include({ stream: 'conformance.visits.{uuid}' });
      const told = running.events.entries.filter((event) => event.kind === 'published');
      expect(told.map((event) => event.stored?.sequence)).to.deep.equal([1, 1, 2, 2, 3, 3]);
      const messages = await stored(bus.transport, 'module.Conformance.Reception.messages');
      expect(messages.map(({ bytes }) => decodeModuleMessage(bytes).head?.seq)).to.deep.equal([1, 2, 3]);
    });

    given('streams')('is stored once under one id, and its publisher is told so', async () => {
      await provision([ReceptionService]);
      const bus = await speaker();
      const first = await bus.publish(visits({ uuid: 'a' }), 'x', { messageId: 'visit 1' });
      const again = await speaker();
      const second = await again.publish(visits({ uuid: 'a' }), 'y', { messageId: 'visit 1' });
      expect([first.duplicate, second]).to.deep.equal([false, { ...first, duplicate: true }]);
      expect((await stored(bus.transport, 'conformance.visits.{uuid}')).map(textOf)).to.deep.equal(['x']);
    });

    given('streams')('lies in its stream in the order in which it was published, topic by topic', async () => {
      await provision([ReceptionService]);
      const bus = await speaker();
      const texts = Array.from({ length: 600 }, (_, n) => `${n}`);
      await Promise.all(
        texts.map((text, n) => bus.publish(visits({ uuid: `${n % 2}` }), text, { ordered: n % 50 === 7 })),
      );
      const messages = await stored(bus.transport, 'conformance.visits.{uuid}');
      for (const uuid of ['0', '1']) {
        const own = messages.filter(({ subject }) => subject === `conformance.visits.${uuid}`);
        expect(own.map(textOf)).to.deep.equal(texts.filter((_, n) => `${n % 2}` === uuid));
      }
    });

    given('streams')('comes to whoever joins late: the last of each topic, then what is published', async () => {
      await provision([ReceptionService]);
      const bus = openBus({ transport: (await speaker()).transport, source: 'service.Switch' });
      for (const [name, text] of ['a 1', 'b 1', 'a 2', 'é 1', 'b 2'].map(
        (each) => each.split(' ') as [string, string],
      )) {
        await bus.publish(lamps({ name }), text);
      }
      const logs = [new Log(), new Log()];
      for (const log of logs) await host([panel(log)]);
      for (const log of logs) expect((await log.first(3)).toSorted()).to.deep.equal(['a 2', 'b 2', 'é 1']);
      await bus.publish(lamps({ name: 'a' }), '3');
      await bus.publish(lamps({ name: 'c' }), '1');
      await bus.publish(lamps({ name: 'a' }), '4');
      for (const log of logs) expect((await log.first(6)).slice(3)).to.deep.equal(['a 3', 'c 1', 'a 4']);
    });
  });
}
