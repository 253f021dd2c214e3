import { expect } from 'chai';
import { describe } from 'mocha';
import { listen } from '../listener.js';
import { ask, failure, message, serve } from '../messages.js';
import type { Suite } from '../suite.js';

const GOOD = {
  'Terabus-Message-Id': '01JGFJJZ00000000000000000',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  same: 'lower',
  Same: 'a name is what it is, letter by letter',
  __proto__x: 'not special',
  "!#$%&'*+-.^_`|~": 'all of this may be in a name',
  empty: '',
  inside: 'spaces  and\ttabs, colons: and NATS/1.0 503',
  unicode: 'é 🐙 \u00a0inside',
  long: 'x'.repeat(8_192),
};

const BAD = {
  'an empty name': ['', 'value'],
  'a space in a name': ['a b', 'value'],
  'a colon in a name': ['a:b', 'value'],
  'an accent in a name': ['é', 'value'],
  'a line break in a name': ['a\r\nInjected', 'value'],
  'a line break in a value': ['name', 'a\r\nInjected: value'],
  'half a line break in a value': ['name', 'a\nb'],
  'a space at the start of a value': ['name', ' value'],
  'a space at the end of a value': ['name', 'value '],
  'a value that is not well-formed': ['name', 'half\ud83d'],
} as const;

export function headers({ connect, given }: Suite): void {
  const it = given('headers');

  describe('headers', () => {
    it('arrive as they were sent', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      await alice.publish(message('news', 'hello', GOOD));
      const [received] = await listener.first(1);
      expect(Object.fromEntries(received?.headers ?? [])).to.deep.equal(GOOD);
    });

    it('are an empty map when none were sent', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      await alice.publish(message('news'));
      await alice.publish(message('news', '', {}));
      const received = await listener.everythingFrom(alice);
      expect(received.map(({ headers }) => headers)).to.deep.equal([new Map(), new Map()]);
    });

    it('travel with a message of no bytes', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      await alice.publish(message('news', '', { name: 'value' }));
      const [received] = await listener.first(1);
      expect(received?.headers).to.deep.equal(new Map([['name', 'value']]));
      expect(received?.bytes).to.deep.equal(new Uint8Array());
    });

    it('travel with a request and with its answer', async () => {
      const [alice, bob] = [await connect(), await connect()];
      await serve(bob, 'echo', ({ headers }) => ({ content: '', headers: new Map([...headers, ['answered', 'yes']]) }));
      const answer = await ask(alice, message('echo', '', { asked: 'yes' }));
      expect(answer)
        .to.have.property('headers')
        .that.deep.equals(
          new Map([
            ['asked', 'yes'],
            ['answered', 'yes'],
          ]),
        );
    });

    it('may be changed by the publisher when publish has resolved', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      const headers = new Map([['name', 'first']]);
      await alice.publish({ ...message('news'), headers });
      headers.set('name', 'second');
      const [received] = await listener.everythingFrom(alice);
      expect(received?.headers).to.deep.equal(new Map([['name', 'first']]));
    });

    for (const [what, [name, value]] of Object.entries(BAD)) {
      it(`with ${what} are refused, and nothing is sent`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(bob, 'news');
        expect(await failure(alice.publish(message('news', 'bad', { [name]: value })))).to.be.busError(
          'TERABUS_HEADER_INVALID',
        );
        await alice.publish(message('news', 'good'));
        expect(await listener.textsFrom(alice)).to.deep.equal(['good']);
      });
    }
  });
}
