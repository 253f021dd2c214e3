import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CalleeService, CallerService } from '../support/callee.js';
import { eventually } from '../support/eventually.js';
import { makeNkey, type Nkey } from '../support/nkeys.js';

type User = 'caller' | 'callee' | 'other callee';

describe('credentials that change while calls run', () => {
  let folder: string;
  let server: NatsServer;
  let keys: Map<User, Nkey>;
  const hosts = new Map<User, Host>();
  const problems: string[] = [];

  const file = (user: User) => join(folder, user);
  const configuration = () =>
    `authorization { users: [ ${[...keys.values()].map(({ publicKey }) => `{ nkey: ${publicKey} }`).join()} ] }`;
  const renew = (user: User) => {
    const key = makeNkey('user');
    keys.set(user, key);
    writeFileSync(file(user), key.seed);
  };
  const host = (user: User) => hosts.get(user) as Host;
  const disconnects = (user: User) => host(user).counters.disconnects;

  beforeEach(async () => {
    folder = mkdtempSync(join(process.env['TERABUS_TMP'] || tmpdir(), 'terabus-credentials-'));
    keys = new Map();
    problems.length = 0;
    const users: readonly User[] = ['callee', 'other callee', 'caller'];
    for (const user of users) renew(user);
    server = await startNatsServer({ configuration: configuration() });
    for (const user of users) {
      const transport = await connectNats({ servers: server.url, nkeySeedFile: file(user) });
      transport.watch((event) => {
        if (event.kind === 'problem') problems.push(`${user}: ${event.error.reason}`);
      });
      const services = [user === 'caller' ? CallerService : CalleeService];
      hosts.set(user, await startHost({ transport, services, logLevel: 'silent' }));
    }
    host('caller').service(CallerService).begin();
  });
  afterEach(async () => {
    await host('caller').service(CallerService).end();
    await Promise.all([...hosts.values()].map((each) => each.stop()));
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Some more calls than were made so far have ended. */
  async function someMore() {
    const { outcomes } = host('caller').service(CallerService);
    const until = outcomes.length + 20;
    await eventually(() => void expect(outcomes.length).to.be.at.least(until));
  }
  const failed = () =>
    host('caller')
      .service(CallerService)
      .outcomes.filter((each) => typeof each !== 'number');

  async function rotate(user: User) {
    const before = disconnects(user);
    renew(user);
    await server.reload(configuration());
    await eventually(() => {
      expect(disconnects(user)).to.equal(before + 1);
      expect(host(user).health().ready).to.equal(true);
    });
    await someMore();
  }

  it('of the caller are used at its next dial: no call fails that may be made again', async () => {
    for (let i = 0; i < 5; i += 1) await rotate('caller');
    expect(failed()).to.deep.equal([]);
    expect(problems).to.deep.equal([]);
  });

  it('of a callee are used at its next dial: others answer meanwhile, and only what it had taken waits in vain', async () => {
    for (const user of ['callee', 'other callee'] as const) await rotate(user);
    expect(failed().filter((each) => each !== 'TERABUS_RPC_TIMEOUT retryable')).to.deep.equal([]);
    expect(failed().length).to.be.at.most(2);
    expect(problems).to.deep.equal([]);
  });

  it('that are revoked end all that was handled with them: it is unready, and says why', async () => {
    await someMore();
    keys.delete('callee');
    await server.reload(configuration());
    await eventually(() => void expect(problems).to.deep.equal(['callee: TERABUS_NATS_UNAUTHENTICATED']));
    const { ready, problems: shown } = host('callee').health();
    expect(ready).to.equal(false);
    expect(shown.map(({ reason }) => reason)).to.include('TERABUS_NATS_UNAUTHENTICATED');
    const { seen } = host('callee').service(CalleeService);
    const before = seen.length;
    await someMore();
    expect(seen).to.have.length(before);
  });
});
