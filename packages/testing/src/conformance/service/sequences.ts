import { type BusEvent, HEADER, OnMessage, Service, TeraService, type TrackedContext } from '@terabus/core';
import { decodeModuleMessage, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { Clerk, Desk, deskBytes, packedUser, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

/** Epochs are ULIDs, which sort by age. */
const EPOCH = { a: '01JGFJJZ00000000000000000A', b: '01JGFJJZ00000000000000000B' } as const;

export function sequences({ host, speaker, connect, given }: ServiceSuite): void {
  async function desk() {
    const log = new Log();
    @Service(Desk)
    class DeskService extends TeraService {
      @OnMessage(Desk.messages, UserEvent)
      onUser({ userUuid }: UserEvent, { source, seq, verdict }: TrackedContext) {
        log.add(`${userUuid} ${source} #${seq} ${verdict.kind}${verdict.missing > 0 ? ` ${verdict.missing}` : ''}`);
      }
    }
    const watched = await host([DeskService]);
    const { transport } = await speaker();
    /** A heartbeat of `module.X`: the last number that it has given. */
    const last = (seq: number, headers: Record<string, string> = {}) =>
      transport.publish({
        topic: `${Desk.messages.name}.heartbeat`,
        bytes: deskBytes('module.X', seq, []),
        headers: new Map(Object.entries(headers)),
      });
    /** A message of `module.X`, numbered by hand. */
    const from = (id: string, seq: number, headers: Record<string, string> = {}) =>
      transport.publish({
        topic: Desk.messages.name,
        bytes: deskBytes('module.X', seq, [packedUser(id)]),
        headers: new Map(Object.entries(headers)),
      });
    return { log, from, last, ...watched };
  }

  describe('sequences', () => {
    given('headers')('are counted per sender from 1, and their messages are in order', async () => {
      const { log } = await desk();
      const [ana, ben] = [await speaker('module.Ana'), await speaker('module.Ben')];
      await ana.send(Desk.messages, user('a1'));
      await log.first(1);
      await ben.send(Desk.messages, user('b1'));
      await log.first(2);
      await ana.send(Desk.messages, user('a2'));
      expect(await log.first(3)).to.deep.equal([
        'a1 module.Ana #1 first',
        'b1 module.Ben #1 first',
        'a2 module.Ana #2 in-order',
      ]);
    });

    given('headers')('show gaps and what comes late; a duplicate is dropped and told', async () => {
      const { log, from, events, host: running, logs } = await desk();
      const epoch = { [HEADER.epoch]: EPOCH.a };
      for (const [id, seq] of [
        ['a', 1],
        ['b', 4],
        ['c', 3],
        ['again', 4],
        ['d', 5],
      ] as const)
        await from(id, seq, epoch);
      expect(await log.first(4)).to.deep.equal([
        'a module.X #1 first',
        'b module.X #4 gap 2',
        'c module.X #3 late',
        'd module.X #5 in-order',
      ]);
      const told = events.entries.filter((event) => event.kind === 'sequence');
      expect(told.map(({ verdict, dropped }) => [verdict.kind, dropped])).to.deep.equal([
        ['first', false],
        ['gap', false],
        ['late', false],
        ['duplicate', true],
      ]);
      expect(running.counters).to.include({ missing: 2, duplicates: 1 });
      expect(logs.map(({ msg }) => msg).join()).to.contain('2 messages from');
    });

    given('headers')('start again with a newer epoch, once, and go on in the older one beside it', async () => {
      const { log, from } = await desk();
      await from('a', 7, { [HEADER.epoch]: EPOCH.a });
      await from('b', 1, { [HEADER.epoch]: EPOCH.b });
      await from('c', 8, { [HEADER.epoch]: EPOCH.a });
      await from('d', 2, { [HEADER.epoch]: EPOCH.b });
      expect(await log.first(4)).to.deep.equal([
        'a module.X #7 first',
        'b module.X #1 restart',
        'c module.X #8 in-order',
        'd module.X #2 in-order',
      ]);
    });

    it('of senders without an epoch are judged, and nothing of theirs is dropped', async () => {
      const { log, from } = await desk();
      for (const [id, seq] of [
        ['a', 1],
        ['again', 1],
        ['none', 0],
        ['b', 2],
      ] as const)
        await from(id, seq);
      expect(await log.first(4)).to.deep.equal([
        'a module.X #1 first',
        'again module.X #1 duplicate',
        'none module.X #0 untracked',
        'b module.X #2 in-order',
      ]);
    });

    given('headers')('are found to be missing at the end by a heartbeat, which is nobody’s message', async () => {
      const { log, from, last, events, host: running, logs } = await desk();
      const epoch = { [HEADER.epoch]: EPOCH.a };
      await last(7, epoch);
      await from('a', 1, epoch);
      await last(1, epoch);
      await last(4, { ...epoch, [HEADER.abandoned]: '3' });
      const isGap = (event: BusEvent) => event.kind === 'sequence' && event.verdict.kind === 'gap';
      expect(await events.until(isGap)).to.deep.include({ topic: Desk.messages.name, source: 'module.X' });
      await from('c', 4, epoch);
      await from('d', 5, epoch);
      expect(await log.first(3)).to.deep.equal(['a module.X #1 first', 'c module.X #4 late', 'd module.X #5 in-order']);
      expect(events.entries.filter(isGap)).to.have.length(1);
      expect(running.counters).to.include({ missing: 2, badMessages: 0, unhandled: 0 });
      expect(logs.map(({ msg }) => msg).join()).to.contain('2 messages from');
    });

    given('headers')('are told by a sender that stops', async () => {
      const { log, ...desks } = await desk();
      @Service(Clerk, { uses: [Desk] })
      class ClerkService extends TeraService {
        protected override async onStop() {
          await this.send(Desk.messages, user('last words'));
        }
      }
      const clerk = await host([ClerkService]);
      const heartbeats = await listen(await connect(), `${Desk.messages.name}.heartbeat`);
      await clerk.host.stop();
      const [heartbeat] = await heartbeats.first(1);
      const { head, data } = decodeModuleMessage(heartbeat?.bytes as Uint8Array);
      expect(head).to.include({ source: Clerk.address, dest: Desk.messages.name, seq: 1 });
      expect(data).to.deep.equal([]);
      expect(await log.first(1)).to.deep.equal([`last words ${Clerk.address} #1 first`]);
      expect(desks.host.counters).to.include({ missing: 0, badMessages: 0 });
    });

    given('headers')('excuse numbers that their sender abandoned', async () => {
      const { log, from } = await desk();
      const sender = await speaker('module.Y');
      await from('a', 1, { [HEADER.epoch]: EPOCH.a });
      await from('b', 4, { [HEADER.epoch]: EPOCH.a, [HEADER.abandoned]: '2-3' });
      await log.first(2);
      // What can't be encoded costs no number.
      await sender.send(Desk.messages, user('c'));
      await sender.send(Desk.messages, { ...user(''), userUuid: 7 as never }).catch(() => {});
      await sender.send(Desk.messages, user('d'));
      expect(await log.first(4)).to.deep.equal([
        'a module.X #1 first',
        'b module.X #4 in-order',
        'c module.Y #1 first',
        'd module.Y #2 in-order',
      ]);
    });
  });
}
