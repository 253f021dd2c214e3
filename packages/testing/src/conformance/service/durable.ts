import {
  type DurableContext,
  type DurableTrackedContext,
  defineModule,
  defineService,
  defineTopic,
  from,
  OnEvent,
  OnMessage,
  openDeadLetters,
  planStreams,
  Service,
  type ServiceClass,
  TeraService,
} from '@terabus/core';
import { DeviceEvent, encodeTeraEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe } from 'mocha';
import { brokenUser, device, packedLog, packedUser, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const stored = { tries: 3, retryAfterMs: 40 } as const;
const Keeper = defineService('Conformance.Keeper', { instances: 'one' });
const Post = defineModule('Conformance.Post', { messages: { types: [UserEvent], durable: stored } });
const ledger = defineTopic('conformance.ledger.{desk}', {
  wrapper: 'event',
  types: [UserEvent, DeviceEvent],
  durable: stored,
});
const copies = defineTopic('conformance.copies', { wrapper: 'event', types: [UserEvent], durable: stored });
const at = (desk: string) => ledger({ desk });

export function durable({ host, speaker, provision, gate, pass, given }: ServiceSuite): void {
  type Options = Parameters<typeof from<'event', UserEvent | DeviceEvent, string>>[1];
  type Work = (id: string, context: DurableContext) => unknown;

  /** A service that keeps what it is given, until the story says otherwise. */
  function keeper(work: Work, options: Options = {}): ServiceClass {
    const source = from(ledger.all, options as object);
    @Service(Keeper, { uses: [ledger, copies] })
    class KeeperService extends TeraService {
      @OnEvent(source, UserEvent)
      onUser({ userUuid }: UserEvent, context: DurableContext) {
        return work(userUuid, context);
      }
    }
    return KeeperService;
  }

  /** Services on what was made for them, and somebody who speaks. */
  async function begin(...services: ServiceClass[]) {
    await provision(planStreams(services));
    const running = await host(services);
    const bus = await speaker();
    const say = async (...ids: string[]) => {
      for (const id of ids) await bus.publish(at('a'), user(id));
    };
    const letters = openDeadLetters({ transport: bus.transport, contract: Keeper });
    return { ...running, bus, say, letters };
  }

  const ids = async (letters: { list(): Promise<{ letters: { tries: number; reason: string | undefined }[] }> }) =>
    (await letters.list()).letters.map(({ tries, reason }) => `${tries} ${reason}`);

  const it = given('streams');

  describe('what is stored', () => {
    it('is handled by a service that comes later, and once by one that comes again', async () => {
      const log = new Log();
      const service = keeper((id) => log.add(id));
      await provision(planStreams([service]));
      const bus = await speaker();
      await bus.publish(at('a'), user('1'));
      await bus.publish(at('b'), user('2'));
      const first = await host([service]);
      await log.first(2);
      await first.host.stop();
      await bus.publish(at('a'), user('3'));
      const second = await host([service]);
      await log.first(3);
      await second.host.stop();
      expect(log.entries).to.deep.equal(['1', '2', '3']);
    });

    it('is tried again after a while when its handler fails, while others go on', async () => {
      const log = new Log();
      const { say, events, letters } = await begin(
        keeper((id, { durable: { attempt } }) => {
          log.add(`${id} ${attempt}`);
          if (id === '1' && attempt < 3) throw new Error('not yet');
        }),
      );
      await say('1', '2');
      await events.until(({ kind }) => kind === 'retried');
      await pass(1_000);
      await log.first(4);
      expect([...log.entries].sort()).to.deep.equal(['1 1', '1 2', '1 3', '2 1']);
      expect(await ids(letters)).to.deep.equal([]);
    });

    it('becomes a dead letter after its tries, which is handled when it is replayed', async () => {
      const log = new Log();
      let broken = true;
      const { say, events, letters, bus } = await begin(
        keeper((id, { durable: { attempt, replayed } }) => {
          log.add(`${id} ${attempt}${replayed ? ' replayed' : ''}`);
          if (broken) throw new Error('never');
        }),
      );
      await bus.publish(at('a'), user('1'));
      await events.until(({ kind }) => kind === 'retried');
      await pass(1_000);
      await events.until(({ kind }) => kind === 'dead-lettered');
      expect(await ids(letters)).to.deep.equal(['3 TERABUS_HANDLER_FAILED']);
      const [letter] = (await letters.list()).letters;
      const original = await bus.transport.streams.read('conformance.ledger.{desk}', { fromSequence: 1 });
      expect([...(letter?.bytes ?? [])]).to.deep.equal([...(original?.bytes ?? [])]);
      broken = false;
      await letters.replayAll();
      await pass(1_000);
      await log.first(4);
      expect(log.entries).to.deep.equal(['1 1', '1 2', '1 3', '1 1 replayed']);
      expect(await ids(letters)).to.deep.equal([]);
      await say('2');
      await log.first(5);
    });

    it('becomes a dead letter at once when nobody can read it', async () => {
      const log = new Log();
      const { say, events, letters, bus } = await begin(keeper((id) => log.add(id)));
      const place = { subject: at('a').pattern, stream: 'conformance.ledger.{desk}' };
      const bytes = new Uint8Array([255]);
      await bus.transport.streams.store({ ...place, bytes, messageId: 'bad' }, 5_000);
      await say('1');
      await log.first(1);
      await events.until(({ kind }) => kind === 'dead-lettered');
      expect(await ids(letters)).to.deep.equal(['0 TERABUS_MESSAGE_UNDECODABLE']);
    });

    it('has siblings in its envelope, which neither repeat nor lose each other', async () => {
      const log = new Log();
      const { bus, events, letters } = await begin(
        keeper((id, { durable: { attempt } }) => {
          log.add(`${id} ${attempt}`);
          if (id === '2' && attempt === 1) throw new Error('not yet');
        }),
      );
      const contents = [packedUser('1'), brokenUser(), packedUser('2'), packedLog(), packedUser('3')];
      const bytes = encodeTeraEvent({ topic: at('a').name, time: 1_735_689_600, events: contents });
      const place = { subject: at('a').pattern, stream: 'conformance.ledger.{desk}' };
      await bus.transport.streams.store({ ...place, bytes, messageId: 'many' }, 5_000);
      await events.until(({ kind }) => kind === 'retried');
      await pass(1_000);
      await log.first(4);
      expect(log.entries).to.deep.equal(['1 1', '2 1', '3 1', '2 2']);
      await events.until(({ kind }) => kind === 'dead-lettered');
      expect(await ids(letters)).to.deep.equal(['0 TERABUS_MESSAGE_UNDECODABLE']);
    });

    it('is given once to a handler that deduplicates, whatever comes twice', async () => {
      const log = new Log();
      const { bus, events } = await begin(keeper((id) => log.add(id), { deduplicate: true }));
      const bytes = encodeTeraEvent({ topic: at('a').name, time: 1_735_689_600, events: [packedUser('1')] });
      const headers = new Map([['Terabus-Message-Id', '01JGFJJZ000000000000000001']]);
      const place = { subject: at('a').pattern, stream: 'conformance.ledger.{desk}', bytes, headers };
      // Two copies that the stream can't tell apart: the second came after its window.
      for (const messageId of ['one', 'two']) await bus.transport.streams.store({ ...place, messageId }, 5_000);
      await events.until(({ kind }) => kind === 'deduplicated');
      expect(log.entries).to.deep.equal(['1']);
    });

    it('keeps the order of its key while it is tried again, and holds back no other', async () => {
      const log = new Log();
      const { say, events } = await begin(
        keeper(
          (id, { durable: { attempt } }) => {
            log.add(`${id} ${attempt}`);
            if (id === 'a1' && attempt < 3) throw new Error('not yet');
          },
          { order: 'per-key', key: (message) => ('userUuid' in message ? message.userUuid.slice(0, 1) : '') },
        ),
      );
      await say('a1', 'a2', 'b1', 'a3');
      await events.until(({ kind }) => kind === 'retried');
      await log.until((entry) => entry === 'b1 1');
      await pass(1_000);
      await log.first(6);
      expect(log.entries.filter((entry) => entry.startsWith('a'))).to.deep.equal([
        'a1 1',
        'a1 2',
        'a1 3',
        'a2 1',
        'a3 1',
      ]);
    });

    it('is taken no faster than it is handled', async () => {
      const log = new Log();
      const door = gate();
      const {
        say,
        bus,
        host: running,
      } = await begin(
        keeper(
          async (id) => {
            log.add(id);
            await door.opened;
          },
          { maxUnsettled: 2 },
        ),
      );
      await say('1', '2', '3', '4', '5');
      await log.first(1);
      const consumer = `${Keeper.address} ${ledger.all.pattern}`;
      const { pending, unsettled } = await bus.transport.streams.consumerState('conformance.ledger.{desk}', consumer);
      expect(pending).to.be.greaterThanOrEqual(3);
      expect(unsettled).to.be.lessThanOrEqual(2);
      door.open();
      await log.first(5);
      expect(log.entries).to.deep.equal(['1', '2', '3', '4', '5']);
      expect(running.counters.dropped).to.equal(0);
    });

    it('is handled once by the one or the other when a service ends with work in flight', async () => {
      const log = new Log();
      const door = gate();
      const service = keeper(async (id) => {
        log.add(id);
        await door.opened;
      });
      const { say, host: running } = await begin(service);
      await say('1', '2', '3');
      await log.first(1);
      const stopping = running.stop();
      door.open();
      expect(await stopping).to.deep.equal({ running: 0, waiting: 0, error: undefined });
      const second = await host([service]);
      await log.first(3);
      await second.host.stop();
      expect(log.entries).to.deep.equal(['1', '2', '3']);
    });

    it('is read from its beginning where the contract says so, and it shows when that is done', async () => {
      const log = new Log();
      const service = keeper((id) => log.add(id), { start: 'all' });
      // Stored before the consumer was made.
      const plan = planStreams([service]);
      await provision({ ...plan, streams: plan.streams.map((stream) => ({ ...stream, consumers: [] })) });
      const bus = await speaker();
      for (const id of ['1', '2', '3']) await bus.publish(at('a'), user(id));
      await provision(plan);
      const { host: running } = await host([service]);
      await running.catchUp();
      expect(log.entries).to.deep.equal(['1', '2', '3']);
    });

    it('causes what is published in answer to be stored once, however often its handler runs', async () => {
      const log = new Log();
      const { say, bus, events } = await begin(
        keeper(async (id, context) => {
          await context.publish(copies, user(id));
          log.add(`${id} ${context.durable.attempt}`);
          if (context.durable.attempt < 3) throw new Error('not yet');
        }),
      );
      await say('1');
      await events.until(({ kind }) => kind === 'retried');
      await pass(1_000);
      await log.first(3);
      expect((await bus.transport.streams.streamState(copies.name)).messages).to.equal(1);
    });

    it('is acknowledged and counted when it is of a type that nobody here handles', async () => {
      const log = new Log();
      const { say, bus, events, letters } = await begin(keeper((id) => log.add(id)));
      await bus.publish(at('a'), device('1'));
      await say('2');
      await events.until(({ kind }) => kind === 'unhandled');
      await log.first(1);
      expect(await ids(letters)).to.deep.equal([]);
    });

    it('keeps in a mailbox what its sequence number said when it came first', async () => {
      const log = new Log();
      @Service(Post)
      class PostService extends TeraService {
        @OnMessage(Post.messages, UserEvent)
        onUser({ userUuid }: UserEvent, { verdict, durable: { attempt } }: DurableTrackedContext) {
          log.add(`${userUuid} ${verdict.kind} ${attempt}`);
          if (userUuid === '1' && attempt === 1) throw new Error('not yet');
        }
      }
      const { bus, events } = await begin(PostService);
      await bus.send(Post.messages, user('1'));
      await bus.send(Post.messages, user('2'));
      await events.until(({ kind }) => kind === 'retried');
      await pass(1_000);
      await log.first(3);
      expect(log.entries).to.deep.equal(['1 first 1', '2 in-order 1', '1 first 2']);
    });
  });
}
