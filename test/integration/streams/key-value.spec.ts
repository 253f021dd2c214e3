import type { KeyValue, Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { eventually } from '../support/eventually.js';
import { bytes } from '../support/recorder.js';
import { administrator } from './admin.js';
import { reasonOf } from './consumed.js';

describe('key and value in JetStream', () => {
  let server: NatsServer;
  let transport: Transport;
  let bucket: KeyValue;
  let cases = 0;

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    cases += 1;
    transport = await connectNats({ servers: server.url });
    await made();
    bucket = transport.keyValue(`marks ${cases}`);
  });
  afterEach(() => transport.close());

  const made = (some: object = {}) =>
    provision(
      { streams: [], buckets: [{ name: `marks ${cases}`, ttlMs: 0, maxKeys: 1_000, replicas: 1, ...some }] },
      { servers: server.url },
    );
  const read = async (key: string) => {
    const entry = await bucket.get(key);
    return entry && [Buffer.from(entry.value).toString(), entry.revision];
  };

  it('has one value by key, with a revision', async () => {
    expect(await bucket.get('a')).to.equal(undefined);
    expect(await bucket.put('a', bytes('one'))).to.equal(1);
    expect(await bucket.put('b', bytes('two'))).to.equal(2);
    expect(await bucket.put('a', bytes('three'))).to.equal(3);
    expect(await read('a')).to.deep.equal(['three', 3]);
    expect(await read('b')).to.deep.equal(['two', 2]);
  });

  it('makes a key once, until it is deleted', async () => {
    expect(await bucket.create('a', bytes('one'))).to.equal(1);
    expect(await reasonOf(bucket.create('a', bytes('two')))).to.equal('TERABUS_KEY_CONFLICT');
    await bucket.delete('a');
    expect(await bucket.get('a')).to.equal(undefined);
    expect(await bucket.create('a', bytes('three'))).to.equal(3);
    expect(await read('a')).to.deep.equal(['three', 3]);
  });

  it('changes and deletes what nobody else has changed', async () => {
    const revision = await bucket.put('a', bytes('one'));
    const next = await bucket.update('a', bytes('two'), revision);
    expect(await reasonOf(bucket.update('a', bytes('three'), revision))).to.equal('TERABUS_KEY_CONFLICT');
    expect(await reasonOf(bucket.delete('a', revision))).to.equal('TERABUS_KEY_CONFLICT');
    await bucket.delete('a', next);
    expect(await bucket.get('a')).to.equal(undefined);
  });

  it('lets one of many have it', async () => {
    const all = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => bucket.create('a', bytes(`${i}`))));
    expect(all.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
  });

  it('takes any text as a key, and lists those that have a value', async () => {
    const long = `x.${'é'.repeat(200)}`;
    const keys = [
      'a',
      'a.b',
      'a..b',
      '.',
      '*',
      '>',
      '$x',
      'two words',
      '=',
      '=20',
      '_',
      'ä/\u{1f600}',
      long,
      `${long}2`,
    ];
    for (const key of keys) await bucket.put(key, bytes(key));
    await bucket.put('gone', bytes(''));
    await bucket.delete('gone');
    expect((await bucket.keys()).sort()).to.deep.equal([...keys].sort());
    for (const key of keys) expect((await read(key))?.[0], key).to.equal(key);
  });

  it('forgets what is older than its time', async () => {
    cases += 1;
    await made({ ttlMs: 1_000 });
    const short = transport.keyValue(`marks ${cases}`);
    await short.put('a', bytes('one'));
    await eventually(async () => {
      expect(await short.get('a')).to.equal(undefined);
    });
    expect(await short.keys()).to.deep.equal([]);
  });

  it("is a bucket of NATS' own clients too", async () => {
    const admin = await administrator(server.url);
    const theirs = await admin.connection.jetstream().views.kv(`marks_20${cases}`, { bindOnly: true });
    await bucket.put('a.b', bytes('ours'));
    expect((await theirs.get('a.b'))?.string()).to.equal('ours');
    const revision = await theirs.put('a.b', 'theirs');
    expect(await read('a.b')).to.deep.equal(['theirs', revision]);
    await theirs.delete('a.b');
    expect(await bucket.get('a.b')).to.equal(undefined);
    expect(await bucket.create('a.b', bytes('again'))).to.equal(revision + 2);
    await bucket.delete('a.b');
    expect((await theirs.get('a.b'))?.operation).to.equal('DEL');
    await admin.close();
  });

  it('says that the bucket is missing', async () => {
    const missing = transport.keyValue('missing');
    const attempts = [
      () => missing.get('a'),
      () => missing.put('a', bytes('')),
      () => missing.create('a', bytes('')),
      () => missing.keys(),
    ];
    for (const attempt of attempts) expect(await reasonOf(attempt())).to.equal('TERABUS_BUCKET_MISSING');
    const difference = { where: "bucket 'missing'", field: undefined, found: undefined };
    const buckets = [{ name: 'missing', ttlMs: 0, maxKeys: 1, replicas: 1 }];
    const expectation = await transport.streams.expect({ streams: [], buckets });
    expect(expectation.differences[0]).to.include(difference);
    expect(transport.health().problems.map(({ reason }) => reason)).to.deep.equal(['TERABUS_BUCKET_MISSING']);
  });
});
