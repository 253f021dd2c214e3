import { inspect } from 'node:util';
import type { BusError } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { connectNats } from './connect-nats.js';
import { checkNatsOptions, type NatsOptions } from './options.js';

/** What is said about options that are not only wrong but of wrong types. */
function complaint(options: unknown): string {
  try {
    checkNatsOptions(options as NatsOptions);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('options of connectNats', () => {
  it('have defaults', () => {
    const { servers, clock, ...others } = checkNatsOptions({});
    expect(servers.map(({ printable }) => printable)).to.deep.equal(['nats://127.0.0.1:4222']);
    expect(others).to.deep.equal({
      name: 'terabus',
      connectTimeoutMs: 5_000,
      closeTimeoutMs: 2_000,
      maxUnconfirmedBytes: 4_194_304,
      publishBuffer: { maxBytes: 8_388_608, maxWaitMs: 5_000 },
      replyTo: { inbox: true, crossAccount: false },
      busyPolling: true,
    });
  });

  it('take one server or several', () => {
    const addresses = (servers: string | string[]) =>
      checkNatsOptions({ servers }).servers.map(({ address }) => address);
    expect(addresses('example.org')).to.deep.equal(['example.org:4222']);
    expect(addresses(['nats://a:1', 'tls://[::1]:2/'])).to.deep.equal(['a:1', '[::1]:2']);
  });

  it('take credentials out of URLs, decoded', () => {
    const [server] = checkNatsOptions({ servers: 'nats://us%40er:p%3Aw@host:4333' }).servers;
    expect(server).to.deep.equal({
      address: 'host:4333',
      printable: 'nats://host:4333',
      tls: false,
      user: 'us@er',
      secret: 'p:w',
    });
    const [withToken] = checkNatsOptions({ servers: 'tls://s3cret@host' }).servers;
    expect(withToken).to.deep.include({ user: undefined, secret: 's3cret', tls: true });
  });

  it('are refused with one sentence that names them', () => {
    const reason = '[TERABUS_OPTIONS_INVALID] connectNats';
    const seen: [unknown, string][] = [
      [{ server: 'x' }, 'does not know the option server'],
      [{ tls: { ca: 'x' } }, 'does not know the option tls.ca'],
      [{ connectTimeoutMs: 0 }, "can't use the option connectTimeoutMs: Too small: expected number to be >=1"],
      [
        { connectTimeoutMs: '5s' },
        "can't use the option connectTimeoutMs: Invalid input: expected number, received string",
      ],
      [{ servers: [] }, "can't use the option servers: Too small: expected array to have >=1 items"],
      [{ servers: 'http://x' }, "can't use the option servers: must look like nats://host:4222 or tls://host:4222"],
      [{ servers: ['a', 'a b'] }, "can't use the option servers.1: must look like nats://host:4222 or tls://host:4222"],
      [{ password: 'x' }, "can't use the option password: needs a user"],
      [{ tls: { certFile: 'x' } }, "can't use the option tls: needs certFile and keyFile, or neither"],
      [
        { token: 'x', user: 'y' },
        "can't use the option user: can't be combined with token: who connects has one identity",
      ],
      [{ onStatus: 1 }, 'does not know the option onStatus'],
      [
        { publishBuffer: { maxBytes: 0 } },
        "can't use the option publishBuffer.maxBytes: Too small: expected number to be >=1",
      ],
    ];
    expect(seen.map(([options]) => complaint(options))).to.deep.equal(seen.map(([, said]) => `${reason} ${said}`));
    expect(complaint({ namespace: 'a.b' }))
      .to.contain('option namespace: ')
      .and.contain('1 to 32')
      .and.not.contain('[TERABUS_NAMESPACE');
  });

  it('never show a secret when they are refused', () => {
    for (const options of [
      { servers: 'nats://u:hunter2@ho st' },
      { servers: ['nats://u:hunter2@a', 'nats://u:hunter3@b'] },
      { password: 'hunter2' },
      { token: 'hunter2', nkeySeed: 'hunter2' },
    ]) {
      expect(complaint(options)).to.contain('TERABUS_OPTIONS_INVALID').and.not.contain('hunter');
    }
  });

  it('name files that are there', async () => {
    const error = await connectNats({ credsFile: '/no/such.creds' }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).to.contain("can't read the file of its option credsFile").and.contain('/no/such.creds');
  });

  it('never print what stands in a file, given in place of its path', async () => {
    const seed = `SU${'A'.repeat(56)}`;
    const contents = {
      nkeySeedFile: seed,
      credsFile: `-----BEGIN USER NKEY SEED-----\n${seed}\n`,
      'tls.keyFile': `-----BEGIN PRIVATE KEY-----${seed}`,
    };
    for (const [option, content] of Object.entries(contents)) {
      const options = option === 'tls.keyFile' ? { tls: { certFile: '/', keyFile: content } } : { [option]: content };
      const error = await connectNats(options).catch((thrown: BusError) => thrown);
      expect(inspect(error, { depth: 9 }))
        .to.contain(`its option ${option}`)
        .and.not.contain(seed);
    }
  });
});
