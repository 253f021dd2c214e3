import type { KeyValue } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bytes, failure } from '../messages.js';
import { aBucket, BUCKET, bucketsOf } from './plans.js';
import { type StreamsSuite, until } from './streams-suite.js';

/** Keys that a wire could trip over. */
const STRANGE_KEYS = ['a b', 'a..b', '.', '*', '>', '$KV.x', 'é🐙', 'a_b', 'a__b', 'A', 'a', 'line\nbreak', 'a=b/c-d'];

const textOf = async (bucket: KeyValue, key: string) => {
  const entry = await bucket.get(key);
  return entry && new TextDecoder().decode(entry.value);
};

export function keyValues({ bus, connect, elsewhere, pass }: StreamsSuite): void {
  const aBucketOf = async (changes: Parameters<typeof aBucket>[0] = {}) => {
    await bus().provision(bucketsOf(aBucket(changes)));
    return (await connect()).keyValue(BUCKET);
  };

  describe('a bucket', () => {
    it('has nothing at first', async () => {
      const bucket = await aBucketOf();
      expect(await bucket.get('a')).to.equal(undefined);
      expect(await bucket.keys()).to.deep.equal([]);
    });

    it('keeps values, with revisions that grow over all keys', async () => {
      const bucket = await aBucketOf();
      const revisions = [await bucket.put('a', bytes('1')), await bucket.put('b', bytes('2'))];
      revisions.push(await bucket.put('a', bytes('3')));
      expect(revisions).to.deep.equal([...revisions].sort((a, b) => a - b));
      expect(new Set(revisions).size).to.equal(3);
      expect(await bucket.get('a')).to.deep.equal({ key: 'a', value: bytes('3'), revision: revisions[2] });
      expect(await bucket.keys()).to.have.members(['a', 'b']);
    });

    it('is the same for all', async () => {
      const bucket = await aBucketOf();
      await bucket.put('a', bytes('1'));
      expect(await textOf((await connect()).keyValue(BUCKET), 'a')).to.equal('1');
    });

    it('creates a key once', async () => {
      const bucket = await aBucketOf();
      const revision = await bucket.create('a', bytes('1'));
      expect(await failure(bucket.create('a', bytes('2')))).to.be.busError('TERABUS_KEY_CONFLICT');
      expect(await bucket.get('a')).to.deep.equal({ key: 'a', value: bytes('1'), revision });
    });

    it('lets one of many create a key', async () => {
      const bucket = await aBucketOf();
      const others = await Promise.all([1, 2, 3].map(async () => (await connect()).keyValue(BUCKET)));
      const results = await Promise.allSettled([bucket, ...others].map((each) => each.create('a', bytes('1'))));
      expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    });

    it('changes a key whose revision is known', async () => {
      const bucket = await aBucketOf();
      const first = await bucket.create('a', bytes('1'));
      const second = await bucket.update('a', bytes('2'), first);
      expect(await failure(bucket.update('a', bytes('3'), first))).to.be.busError('TERABUS_KEY_CONFLICT');
      expect(await bucket.get('a')).to.deep.equal({ key: 'a', value: bytes('2'), revision: second });
    });

    it('deletes a key, also one that is not there', async () => {
      const bucket = await aBucketOf();
      await bucket.put('a', bytes('1'));
      await bucket.delete('a');
      await bucket.delete('a');
      await bucket.delete('b');
      expect(await bucket.get('a')).to.equal(undefined);
      expect(await bucket.keys()).to.deep.equal([]);
    });

    it('deletes a key whose revision is known', async () => {
      const bucket = await aBucketOf();
      const first = await bucket.put('a', bytes('1'));
      const second = await bucket.put('a', bytes('2'));
      expect(await failure(bucket.delete('a', first))).to.be.busError('TERABUS_KEY_CONFLICT');
      await bucket.delete('a', second);
      expect(await bucket.get('a')).to.equal(undefined);
    });

    it('creates a key again that was deleted', async () => {
      const bucket = await aBucketOf();
      const first = await bucket.create('a', bytes('1'));
      await bucket.delete('a');
      expect(await bucket.create('a', bytes('2'))).to.be.greaterThan(first);
      expect(await textOf(bucket, 'a')).to.equal('2');
    });

    it('forgets what was not changed for long, and lets it be created again', async () => {
      const bucket = await aBucketOf({ ttlMs: 500 });
      await bucket.create('a', bytes('1'));
      await pass(500);
      await until(async () => (await bucket.get('a')) === undefined);
      expect(await bucket.keys()).to.deep.equal([]);
      await bucket.create('a', bytes('2'));
      expect(await textOf(bucket, 'a')).to.equal('2');
    });

    describe('that is full', () => {
      const full = async () => {
        const bucket = await aBucketOf({ maxKeys: 3 });
        for (const key of ['a', 'b', 'c']) await bucket.put(key, bytes(key));
        return bucket;
      };
      const values = (bucket: KeyValue) => Promise.all(['a', 'b', 'c'].map((key) => textOf(bucket, key)));

      it('refuses another key, and forgets none for it', async () => {
        const bucket = await full();
        const calls = [bucket.put('d', bytes('d')), bucket.create('d', bytes('d')), bucket.delete('d')];
        for (const error of await Promise.all(calls.map(failure))) expect(error).to.be.busError('TERABUS_STREAM_FULL');
        expect(await values(bucket)).to.deep.equal(['a', 'b', 'c']);
      });

      it('takes new values of the keys that it has, whatever their size', async () => {
        const bucket = await full();
        for (const size of [100, 0, 5_000, 1]) {
          await bucket.put('a', bytes('x'.repeat(size)));
          expect(await values(bucket)).to.deep.equal(['x'.repeat(size), 'b', 'c']);
        }
        const { revision = 0 } = (await bucket.get('b')) ?? {};
        await bucket.update('b', bytes('changed'), revision);
        expect(await values(bucket)).to.deep.equal(['x', 'changed', 'c']);
      });

      it('has the room of a deleted key for that key alone', async () => {
        const bucket = await full();
        await bucket.delete('a');
        expect(await failure(bucket.put('d', bytes('d')))).to.be.busError('TERABUS_STREAM_FULL');
        await bucket.create('a', bytes('again'));
        expect(await values(bucket)).to.deep.equal(['again', 'b', 'c']);
      });

      it('has room for others when what was deleted is older than it keeps', async () => {
        const bucket = await aBucketOf({ maxKeys: 1, ttlMs: 500 });
        await bucket.put('a', bytes('a'));
        await bucket.delete('a');
        await pass(500);
        await until(async () => (await bucket.put('b', bytes('b')).catch(() => undefined)) !== undefined);
        expect(await textOf(bucket, 'b')).to.equal('b');
      });
    });

    it('copies what it is given, and what it gives', async () => {
      const bucket = await aBucketOf();
      const value = bytes('intact');
      await bucket.put('a', value);
      value.fill(0);
      (await bucket.get('a'))?.value.fill(0);
      expect(await textOf(bucket, 'a')).to.equal('intact');
    });

    it('keeps empty values', async () => {
      const bucket = await aBucketOf();
      await bucket.put('a', new Uint8Array());
      expect((await bucket.get('a'))?.value).to.deep.equal(new Uint8Array());
    });

    it('takes any text for a key', async () => {
      const bucket = await aBucketOf();
      for (const key of STRANGE_KEYS) await bucket.create(key, bytes(key));
      const values = await Promise.all(STRANGE_KEYS.map((key) => textOf(bucket, key)));
      expect(values).to.deep.equal(STRANGE_KEYS);
      expect(await bucket.keys()).to.have.members(STRANGE_KEYS);
    });

    for (const key of ['', 'half\ud83d']) {
      it(`refuses ${JSON.stringify(key)}, which is no key`, async () => {
        const bucket = await aBucketOf();
        expect(await failure(bucket.put(key, bytes('1')))).to.be.busError('TERABUS_TOPIC_INVALID');
      });
    }

    it('that is missing is told by each call', async () => {
      const bucket = (await connect()).keyValue('nothing');
      const calls = [
        bucket.get('a'),
        bucket.put('a', bytes('')),
        bucket.create('a', bytes('')),
        bucket.update('a', bytes(''), 1),
        bucket.delete('a'),
        bucket.keys(),
      ];
      for (const error of await Promise.all(calls.map(failure))) expect(error).to.be.busError('TERABUS_BUCKET_MISSING');
    });

    it('is another one on another bus', async () => {
      const bucket = await aBucketOf();
      await bucket.put('a', bytes('here'));
      const other = await elsewhere();
      await other.provision(bucketsOf(aBucket()));
      expect(await other.connection.keyValue(BUCKET).get('a')).to.equal(undefined);
    });

    it('is refused on a closed connection', async () => {
      await bus().provision(bucketsOf(aBucket()));
      const alice = await connect();
      await alice.close();
      expect(await failure(alice.keyValue(BUCKET).get('a'))).to.be.busError('TERABUS_CLOSED');
    });
  });
}
