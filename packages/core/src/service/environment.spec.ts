import { expect } from 'chai';
import { describe, it } from 'mocha';
import { hostOptionsFromEnv, refuseUnknownVariables } from './environment.js';
import { thrown } from './stage.spec.js';

describe('the environment of a host', () => {
  it('sets options', () => {
    expect(
      hostOptionsFromEnv({
        TERABUS_LOG_LEVEL: 'warn',
        TERABUS_START_TIMEOUT_MS: '1',
        TERABUS_DRAIN_TIMEOUT_MS: '0',
        TERABUS_ANSWER_REDIS_CLIENTS: 'true',
        TERABUS_HEALTH_PORT: '8080',
        OTHER: 'x',
      }),
    ).to.deep.equal({
      logLevel: 'warn',
      startTimeoutMs: 1,
      drainTimeoutMs: 0,
      answerRedisClients: true,
      health: { port: 8080 },
    });
  });
  it('leaves out what is not set, or empty', () => {
    expect(hostOptionsFromEnv({ TERABUS_LOG_LEVEL: '', TERABUS_DRAIN_TIMEOUT_MS: undefined })).to.deep.equal({});
  });
  const bad: [string, string, string][] = [
    ['TERABUS_LOG_LEVEL', 'LOUD', 'must be one of trace, debug, info, warn, error, fatal, silent; it is "LOUD"'],
    ['TERABUS_START_TIMEOUT_MS', '0', 'must be a whole number of milliseconds, 1 or more; it is "0"'],
    ['TERABUS_DRAIN_TIMEOUT_MS', '1e3', 'must be a whole number of milliseconds, 0 or more; it is "1e3"'],
    ['TERABUS_DRAIN_TIMEOUT_MS', ' 5', 'it is " 5"'],
    ['TERABUS_DRAIN_TIMEOUT_MS', '5s', 'it is "5s"'],
    ['TERABUS_HEALTH_PORT', '0', 'must be a port, 1 to 65535; it is "0"'],
    ['TERABUS_HEALTH_PORT', '65536', 'must be a port'],
    ['TERABUS_ANSWER_REDIS_CLIENTS', 'yes', 'must be true or false; it is "yes"'],
  ];
  for (const [name, value, expected] of bad) {
    it(`refuses ${name}=${value} with a sentence`, () => {
      const error = thrown(() => hostOptionsFromEnv({ [name]: value }));
      expect(error.reason).to.equal('TERABUS_ENVIRONMENT_INVALID');
      expect(error.rawMessage).to.contain(`the environment variable ${name}`).and.contain(expected);
    });
  }
  it('refuses names of Terabus that nobody reads, and no others', () => {
    refuseUnknownVariables(['TERABUS_A'], { TERABUS_A: '1', PATH: '/', MY_TERABUS_B: '' });
    expect(thrown(() => refuseUnknownVariables(['TERABUS_A'], { TERABUS_B: '1', TERABUS_C: '' })).rawMessage).to.equal(
      'nobody reads the environment variables TERABUS_B, TERABUS_C; there are TERABUS_A',
    );
  });
});
