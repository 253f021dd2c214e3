import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { BusError } from '@terabus/core/transport';
import { connectNats, type NatsOptions, natsOptionsFromEnv } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { makeCertificates } from './support/certificates.js';
import { watching } from './support/events.js';
import { eventually } from './support/eventually.js';
import { makeDeployment, makeNkey } from './support/nkeys.js';
import { bytes } from './support/recorder.js';

describe('logins at a real server', () => {
  let folder: string;
  let certificates: ReturnType<typeof makeCertificates>;
  before(() => {
    folder = mkdtempSync(join(process.env['TERABUS_TMP'] || tmpdir(), 'terabus-logins-'));
    certificates = makeCertificates(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  /** What an attempt ends with: `in`, or a reason. */
  const login = (options: NatsOptions) =>
    connectNats({ connectTimeoutMs: 300, ...options }).then(
      async (transport) => {
        await transport.publish({ topic: 'a', bytes: bytes('') }, { confirm: true });
        await transport.close();
        return 'in';
      },
      ({ reason }: BusError) => reason as string,
    );

  it('are made with a token', async () => {
    await using server = await startNatsServer({ configuration: 'authorization { token: "s3cret" }' });
    expect(await login({ servers: server.url, token: 's3cret' })).to.equal('in');
    expect(await login({ servers: `nats://s3cret@127.0.0.1:${server.port}` })).to.equal('in');
    expect(await login({ servers: server.url, token: 'other' })).to.equal('TERABUS_NATS_UNAUTHENTICATED');
  });

  it('are made with an NKey, given or in a file', async () => {
    const [known, unknown] = [makeNkey('user'), makeNkey('user')];
    const configuration = `authorization { users: [ { nkey: ${known.publicKey} } ] }`;
    await using server = await startNatsServer({ configuration });
    const servers = server.url;
    expect(await login({ servers, nkeySeed: known.seed })).to.equal('in');
    const seedFile = file('seed', `${known.seed}\n`);
    expect(await login({ servers, nkeySeedFile: seedFile })).to.equal('in');
    const env = natsOptionsFromEnv({ NATS_URL: servers, TERABUS_NATS_NKEY_SEED_FILE: seedFile });
    expect(await login(env)).to.equal('in');
    const malformed = file('malformed', 'SUNONE');
    for (const bad of [{ nkeySeed: unknown.seed }, { nkeySeed: 'SUNONE' }, { nkeySeedFile: malformed }]) {
      expect(await login({ servers, ...bad })).to.equal('TERABUS_NATS_UNAUTHENTICATED');
    }
  });

  it('are made with a credentials file', async () => {
    const [deployment, other] = [makeDeployment(), makeDeployment()];
    await using server = await startNatsServer({ configuration: deployment.configuration });
    const servers = server.url;
    expect(await login({ servers, credsFile: file('a.creds', deployment.credentials().text) })).to.equal('in');
    for (const text of [other.credentials().text, deployment.credentials(-10).text, 'no credentials']) {
      expect(await login({ servers, credsFile: file('b.creds', text) })).to.equal('TERABUS_NATS_UNAUTHENTICATED');
    }
  });

  it('are made over TLS, with a server that shows its own name, and a client that shows its certificate', async () => {
    const { ca, server: own, client, stranger } = certificates;
    const tls = `cert_file: "${own.cert}", key_file: "${own.key}", ca_file: "${ca}"`;
    await using open = await startNatsServer({ configuration: `tls { ${tls} }` });
    await using strict = await startNatsServer({ configuration: `tls { ${tls}, verify: true }` });
    const at = ({ port }: { port: number }, host = 'localhost') => `tls://${host}:${port}`;
    const ownCertificate = { caFile: ca, certFile: client.cert, keyFile: client.key };
    const strange = { caFile: ca, certFile: stranger.cert, keyFile: stranger.key };
    expect({
      known: await login({ servers: at(open), tls: { caFile: ca } }),
      unknownAuthority: await login({ servers: at(open) }),
      otherName: await login({ servers: at(open, '127.0.0.1'), tls: { caFile: ca } }),
      client: await login({ servers: at(strict), tls: ownCertificate }),
      noClient: await login({ servers: at(strict), tls: { caFile: ca } }),
      strangeClient: await login({ servers: at(strict), tls: strange }),
    }).to.deep.equal({
      known: 'in',
      unknownAuthority: 'TERABUS_NO_SERVER',
      otherName: 'TERABUS_NO_SERVER',
      client: 'in',
      noClient: 'TERABUS_NO_SERVER',
      strangeClient: 'TERABUS_NO_SERVER',
    });
  });

  it('over TLS are not made where a server speaks plainly', async () => {
    await using server = await startNatsServer();
    const servers = `tls://localhost:${server.port}`;
    // Long enough for several tries, of which the last ends with the time.
    const error = await connectNats({ servers, connectTimeoutMs: 2_500 }).catch((thrown: BusError) => thrown);
    expect(error).to.have.property('reason', 'TERABUS_NO_SERVER');
    expect(error)
      .to.have.property('rawMessage')
      .that.matches(/does not offer tls$/);
  });

  it('that are refused later are a problem, until renewed files are accepted', async () => {
    const [before, renewed] = [makeNkey('user'), makeNkey('user')];
    const users = ({ publicKey }: { publicKey: string }) => `authorization { users: [ { nkey: ${publicKey} } ] }`;
    const server = await startNatsServer({ configuration: users(before) });
    const transport = await connectNats({ servers: server.url, nkeySeedFile: file('renewed', before.seed) });
    const seen = watching(transport);
    writeFileSync(join(server.directory, 'server.conf'), users(renewed));
    process.kill(server.pid, 'SIGHUP');

    const problem = await seen.first('problem');
    expect(problem.error.reason).to.equal('TERABUS_NATS_UNAUTHENTICATED');
    const health = transport.health();
    expect([health.state, health.problems.length]).to.deep.equal(['down', 2]);

    file('renewed', renewed.seed);
    await seen.first('reconnected');
    expect(seen.of('solved').map(({ error }) => error)).to.deep.equal([problem.error]);
    expect(transport.health().problems).to.deep.equal([]);
    await transport.close();
    await server.stop();
  });

  it('that end by their time go on with renewed credentials', async () => {
    const deployment = makeDeployment();
    await using server = await startNatsServer({ configuration: deployment.configuration });
    const credsFile = file('short.creds', deployment.credentials(2).text);
    const transport = await connectNats({ servers: server.url, credsFile });
    const seen = watching(transport);
    file('short.creds', deployment.credentials().text);
    expect((await seen.first('disconnected')).error.reason).to.equal('TERABUS_NATS_UNAUTHENTICATED');
    await seen.first('reconnected');
    expect(seen.kinds()).to.deep.equal(['disconnected', 'reconnected']);
    await transport.close();
  });

  it('show their secrets to nobody, however they end', async () => {
    const nkey = makeNkey('user');
    const deployment = makeDeployment();
    const { text, seed } = deployment.credentials();
    const [, jwt = ''] = text.split('\n');
    const needles = ['hunter2', nkey.seed, seed, jwt];
    await using server = await startNatsServer({ configuration: 'authorization { token: "s3cret" }' });
    await using open = await startNatsServer();
    const ways: NatsOptions[] = [
      { user: 'u', password: 'hunter2' },
      { token: 'hunter2' },
      { nkeySeed: nkey.seed },
      { nkeySeed: `${nkey.seed}hunter2` },
      { nkeySeedFile: file('needle', nkey.seed) },
      { credsFile: file('needle.creds', text) },
      { servers: `nats://u:hunter2@127.0.0.1:${server.port}` },
    ];
    const shown: unknown[] = [];
    for (const way of ways) {
      shown.push(await connectNats({ servers: server.url, ...way }).catch((error) => error));
      const { servers: _, ...credentials } = way;
      const transport = await connectNats({ servers: open.url, ...credentials }).catch((error) => error);
      if ('watch' in transport) {
        shown.push(transport, transport.health(), watching(transport).events);
        await transport.close();
      } else shown.push(transport);
    }
    const output = shown
      .map((each) => [inspect(each, { depth: null, showHidden: true }), JSON.stringify(each), `${each}`].join('\n'))
      .join('\n');
    for (const needle of needles) expect(output).not.to.contain(needle);
    await eventually(() => void expect(server.log()).to.contain('authentication error'));
  });
});
