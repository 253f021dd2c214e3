import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { pgDatabase } from './index.js';
import { rejection } from './support.spec.js';

/** A client of `pg` that takes down what it is told, and answers what it is to answer. */
class FakeClient {
  readonly told: string[] = [];
  readonly answers = new Map<string, string | Error>();
  readonly listeners = new Set<(error: Error) => void>();
  released: readonly unknown[] | undefined;

  async query(text: string, parameters: unknown[] = []) {
    this.told.push([text, ...parameters].join(' '));
    const answer = this.answers.get(text) ?? text;
    if (answer instanceof Error) throw answer;
    return { rows: [{ text }], command: answer };
  }
  on(_: 'error', listener: (error: Error) => void) {
    this.listeners.add(listener);
  }
  off(_: 'error', listener: (error: Error) => void) {
    this.listeners.delete(listener);
  }
  release(...args: readonly unknown[]) {
    this.released = args;
  }
}

describe('pgDatabase', () => {
  let client: FakeClient;
  beforeEach(() => {
    client = new FakeClient();
  });
  const database = () => pgDatabase({ connect: async () => client });

  it('commits what its work did, and gives the connection back', async () => {
    const result = await database().transaction(async (query) => (await query('insert $1', ['a'])).rows);
    expect(result).to.deep.equal([{ text: 'insert $1' }]);
    expect(client.told).to.deep.equal(['BEGIN', 'insert $1 a', 'COMMIT']);
    expect([client.released, client.listeners.size]).to.deep.equal([[undefined], 0]);
  });

  it('rolls back what its work threw at', async () => {
    const failing = database().transaction(async (query) => {
      await query('insert');
      throw new Error('no');
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal('no');
    expect([client.told, client.released]).to.deep.equal([['BEGIN', 'insert', 'ROLLBACK'], [undefined]]);
  });

  it('fails when PostgreSQL rolled back instead', async () => {
    client.answers.set('COMMIT', 'ROLLBACK');
    expect((await rejection(database().transaction(async () => 1))).reason).to.equal('TERABUS_TRANSACTION_FAILED');
  });

  it('throws a connection away that broke, and does not let it end the process', async () => {
    const broken = new Error('reset by peer');
    client.answers.set('ROLLBACK', new Error('no connection'));
    const failing = database().transaction(async () => {
      for (const listener of client.listeners) listener(broken);
      throw broken;
    });
    expect(await failing.catch((error: Error) => error)).to.equal(broken);
    expect([client.released, client.listeners.size]).to.deep.equal([[broken], 0]);
  });

  it('throws a connection away whose commit was not answered', async () => {
    const lost = new Error('no answer');
    client.answers.set('COMMIT', lost).set('ROLLBACK', lost);
    expect(
      await database()
        .transaction(async () => 1)
        .catch((error: Error) => error),
    ).to.equal(lost);
    expect(client.released).to.deep.equal([lost]);
  });
});
