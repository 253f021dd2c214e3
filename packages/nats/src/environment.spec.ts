import { expect } from 'chai';
import { describe, it } from 'mocha';
import { natsEnvironment, natsOptionsFromEnv } from './environment.js';

describe('natsOptionsFromEnv', () => {
  it('is nothing without variables, or with empty ones', () => {
    expect(natsOptionsFromEnv({})).to.deep.equal({});
    expect(natsOptionsFromEnv(Object.fromEntries(natsEnvironment.map((name) => [name, ''])))).to.deep.equal({});
  });

  it('reads every variable', () => {
    const seed = `SU${'A'.repeat(56)}`;
    const options = natsOptionsFromEnv({
      NATS_URL: 'nats://a:4222, tls://b',
      TERABUS_NAMESPACE: 'prod',
      TERABUS_CONNECT_TIMEOUT_MS: '250',
      TERABUS_MAX_UNCONFIRMED_BYTES: '1000',
      TERABUS_PUBLISH_BUFFER_BYTES: '2000',
      TERABUS_PUBLISH_BUFFER_WAIT_MS: '300',
      TERABUS_ANSWER_INBOXES: 'false',
      TERABUS_BUSY_POLLING: 'false',
      TERABUS_NATS_USER: 'u',
      TERABUS_NATS_PASSWORD: 'p',
      TERABUS_NATS_TOKEN: 't',
      TERABUS_NATS_NKEY_SEED: seed,
      TERABUS_NATS_NKEY_SEED_FILE: '/seed',
      TERABUS_NATS_CREDS: '/creds',
      TERABUS_NATS_TLS_CA: '/ca',
      TERABUS_NATS_TLS_CERT: '/cert',
      TERABUS_NATS_TLS_KEY: '/key',
      PATH: '/bin',
    });
    expect(options).to.deep.equal({
      servers: ['nats://a:4222', 'tls://b'],
      namespace: 'prod',
      connectTimeoutMs: 250,
      maxUnconfirmedBytes: 1_000,
      publishBuffer: { maxBytes: 2_000, maxWaitMs: 300 },
      replyTo: { inbox: false },
      busyPolling: false,
      user: 'u',
      password: 'p',
      token: 't',
      nkeySeed: seed,
      nkeySeedFile: '/seed',
      credsFile: '/creds',
      tls: { caFile: '/ca', certFile: '/cert', keyFile: '/key' },
    });
  });

  it('reads a buffer of no bytes as none', () => {
    expect(natsOptionsFromEnv({ TERABUS_PUBLISH_BUFFER_BYTES: '0' })).to.deep.equal({ publishBuffer: false });
  });

  it('says which variable is wrong, what it is and what it should be', () => {
    const complaints: [Record<string, string>, string][] = [
      [{ TERABUS_CONNECT_TIMEOUT_MS: '5s' }, 'a whole number of milliseconds, 1 or more; it is "5s"'],
      [{ TERABUS_CONNECT_TIMEOUT_MS: '0' }, 'a whole number of milliseconds, 1 or more; it is "0"'],
      [{ TERABUS_NAMESPACE: 'a\r\nb' }, '1 to 32 letters, digits, "_" or "-"; it is "a\\u{d}\\u{a}b"'],
    ];
    for (const [env, sentence] of complaints) {
      const [name] = Object.keys(env);
      expect(() => natsOptionsFromEnv(env)).to.throw(
        `[TERABUS_ENVIRONMENT_INVALID] the environment variable ${name} must be ${sentence}`,
      );
    }
  });

  it('never shows what may be a secret', () => {
    for (const env of [{ NATS_URL: 'http://u:hunter2@x' }, { TERABUS_NATS_NKEY_SEED: 'SUhunter2' }]) {
      expect(() => natsOptionsFromEnv(env))
        .to.throw('since it may hold a secret')
        .with.property('message')
        .not.contain('hunter2');
    }
  });
});
