import { expect } from 'chai';
import { describe } from 'mocha';
import type { Listener } from '../listener.js';
import { listen } from '../listener.js';
import { failure, message, text } from '../messages.js';
import type { Suite } from '../suite.js';

const NUMBERS = Array.from({ length: 100 }, (_, index) => `${index}`);

function inOrder(texts: readonly string[]): readonly string[] {
  return [...texts].sort((a, b) => Number(a) - Number(b));
}

export function groups({ connect, given }: Suite): void {
  const it = given('groups');

  describe('groups', () => {
    it('share the messages: each goes to one member', async () => {
      const publisher = await connect();
      const members = await Promise.all(
        [1, 2, 3].map(async () => listen(await connect(), 'jobs', { group: 'workers' })),
      );
      for (const number of NUMBERS) await publisher.publish(message('jobs', number));
      const shares = await Promise.all(members.map((member) => member.textsFrom(publisher)));
      expect(inOrder(shares.flat())).to.deep.equal(NUMBERS);
      // By chance this fails once in 10^17 runs.
      for (const share of shares) expect(share).to.not.be.empty;
    });

    it('keep the order of what each member gets', async () => {
      const publisher = await connect();
      const members = await Promise.all([1, 2].map(async () => listen(await connect(), 'jobs', { group: 'workers' })));
      for (const number of NUMBERS) await publisher.publish(message('jobs', number));
      for (const member of members) {
        const share = await member.textsFrom(publisher);
        expect(share).to.deep.equal(inOrder(share));
      }
    });

    it('are shared by members of one connection as well', async () => {
      const [publisher, host] = [await connect(), await connect()];
      const members = [1, 2].map(() => listen(host, 'jobs', { group: 'workers' }));
      const listeners = await Promise.all(members);
      for (const number of NUMBERS) await publisher.publish(message('jobs', number));
      const shares = await Promise.all(listeners.map((member) => member.textsFrom(publisher)));
      expect(inOrder(shares.flat())).to.deep.equal(NUMBERS);
    });

    it('each get every message, and so does who is in none', async () => {
      const publisher = await connect();
      const everyone: Listener[] = [];
      for (const group of ['workers', 'auditors', undefined])
        everyone.push(await listen(await connect(), 'jobs', { group }));
      for (const number of NUMBERS) await publisher.publish(message('jobs', number));
      for (const listener of everyone) expect(await listener.textsFrom(publisher)).to.deep.equal(NUMBERS);
    });

    it('share across overlapping patterns: each message goes to one member all the same', async () => {
      const [publisher, host] = [await connect(), await connect()];
      const members = [
        await listen(host, 'jobs.*', { group: 'workers' }),
        await listen(host, 'jobs.urgent', { group: 'workers' }),
      ];
      for (const number of NUMBERS) await publisher.publish(message('jobs.urgent', number));
      const shares = await Promise.all(members.map((member) => member.textsFrom(publisher)));
      expect(inOrder(shares.flat())).to.deep.equal(NUMBERS);
    });

    it('lose nothing when a member ends, and go on without it', async () => {
      const [publisher, leaver, stayer] = [await connect(), await connect(), await connect()];
      const leaving = await listen(leaver, 'jobs', { group: 'workers' });
      const staying = await listen(stayer, 'jobs', { group: 'workers' });
      let left = Promise.resolve();
      for (const number of NUMBERS) {
        await publisher.publish(message('jobs', number));
        if (number === '50') left = leaving.subscription.drain();
      }
      await left;
      await publisher.publish(message('jobs', '100'));
      const stayersShare = await staying.textsFrom(publisher);
      expect(stayersShare.at(-1)).to.equal('100');
      expect(inOrder([...leaving.messages.map(text), ...stayersShare])).to.deep.equal([...NUMBERS, '100']);
    });

    it('lose nothing while one member hands over to the next', async () => {
      const publisher = await connect();
      const members = [await listen(await connect(), 'jobs', { group: 'workers' })];
      const done: string[] = [];
      for (const number of NUMBERS) {
        await publisher.publish(message('jobs', number));
        if (Number(number) % 10 === 9) {
          members.push(await listen(await connect(), 'jobs', { group: 'workers' }));
          const leaving = members.shift();
          await leaving?.subscription.drain();
          done.push(...(leaving?.messages.map(text) ?? []));
        }
      }
      for (const member of members) done.push(...(await member.textsFrom(publisher)));
      expect(inOrder(done)).to.deep.equal(NUMBERS);
    });

    it('may have any text for a name, and are told apart by it', async () => {
      const publisher = await connect();
      const names = ['a.b', 'a_b', 'a b', 'a__b', '*', '>', 'Größe\r\n', 'x'.repeat(300), `${'x'.repeat(299)}y`];
      const listeners: Listener[] = [];
      for (const group of names) listeners.push(await listen(await connect(), 'jobs', { group }));
      await publisher.publish(message('jobs', 'for each group'));
      for (const listener of listeners) expect(await listener.textsFrom(publisher)).to.deep.equal(['for each group']);
    });

    it('have a name: an empty or malformed one is refused', async () => {
      const alice = await connect();
      for (const group of ['', 'half\ud83d']) {
        expect(await failure(listen(alice, 'jobs', { group }))).to.be.busError('TERABUS_GROUP_INVALID');
      }
    });
  });
}
