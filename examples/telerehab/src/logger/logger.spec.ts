import {
  LogEvent,
  LogEvent_LogLevel,
  LoginEvent,
  LoginEvent_LoginStatus,
  LoginEvent_LoginType,
} from '@terabus/messages';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer, terabusAssertions } from '@terabus/testing';
import { expect, use } from 'chai';
import { Container } from 'inversify';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { LogLevel } from '../contracts/logging.contract.js';
import { Logging, logLevels, logLines } from '../contracts/logging.contract.js';
import type { SystemUnderTest } from '../support/system-under-test.js';
import { startSystem } from '../support/system-under-test.js';
import { LogSink } from './log-sink.js';
import { LoggerService } from './logger.service.js';

use(terabusAssertions);

/** Keeps lines, and says when a certain one is there. */
class ListSink extends LogSink {
  readonly lines: string[] = [];
  #waiting: { text: string; found: () => void } | undefined;

  override keep(line: string): void {
    this.lines.push(line);
    if (this.#waiting !== undefined && line.includes(this.#waiting.text)) this.#waiting.found();
  }

  until(text: string): Promise<void> {
    return new Promise((found) => {
      this.#waiting = { text, found };
    });
  }
}

describe('the logger', () => {
  let server: NatsServer;
  let system: SystemUnderTest;
  let sink: ListSink;

  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  beforeEach(async () => {
    sink = new ListSink();
    const container = new Container();
    container.bind(LogSink).toConstantValue(sink);
    system = await startSystem(server, LoggerService, container);
  });
  afterEach(() => system.stop());

  const log = (level: LogLevel, message: string, number: number = logLevels[level]) =>
    system.bus.publish(logLines({ level }), LogEvent.create({ level: number, sender: 'Spec', message, timestamp: 1 }));

  /** The lines that are kept of all that was logged, up to one that always is. */
  async function kept(): Promise<string[]> {
    const there = sink.until('the end');
    await log('fatal', 'the end');
    await there;
    return sink.lines.splice(0).filter((line) => !line.includes('the end'));
  }

  it('LG-3 keeps lines of all levels, in order, as people read them', async () => {
    await log('info', 'somebody is online');
    await log('trace', 'a detail');
    await log('error', 'something failed');
    expect(await kept()).to.deep.equal([
      'INFO     Spec: somebody is online',
      'TRACE    Spec: a detail',
      'ERROR    Spec: something failed',
    ]);
  });

  it('LG-3 keeps nothing less severe than its level, and always what has no level', async () => {
    expect(await system.bus.client(Logging).set_loglevel('warning')).to.deep.equal({ loglevel: 'warning' });
    await log('info', 'less severe');
    await log('warning', 'as severe');
    await log('critical', 'more severe');
    await log('trace', 'of no level', LogEvent_LogLevel.LOGLEVEL_UNKNOWN);
    expect(await kept()).to.deep.equal([
      'WARNING  Spec: as severe',
      'CRITICAL Spec: more severe',
      'UNKNOWN  Spec: of no level',
    ]);
  });

  it('LG-3 refuses levels that there are not', async () => {
    const error = await system.bus
      .client(Logging)
      .set_loglevel('loud' as LogLevel)
      .catch((reason: unknown) => reason);
    expect(error).to.be.busError('TERABUS_RPC_ARGUMENTS');
  });

  it('LG-5 keeps logins by the level of their line', async () => {
    await system.bus.client(Logging).set_loglevel('error');
    for (const level of ['info', 'error'] as const) {
      await system.bus.publish(
        logLines({ level }),
        LoginEvent.create({
          logHeader: LogEvent.create({ level: logLevels[level], timestamp: 1 }),
          loginType: LoginEvent_LoginType.LOGIN_TYPE_TOKEN,
          loginStatus: LoginEvent_LoginStatus.LOGIN_STATUS_FAILED_WITH_EXPIRED_TOKEN,
          userUuid: 'U',
          clientName: 'a browser',
          clientIp: '192.0.2.1',
        }),
      );
    }
    expect(await kept()).to.deep.equal([
      'ERROR    login FAILED_WITH_EXPIRED_TOKEN by TOKEN: U with a browser from 192.0.2.1',
    ]);
  });

  it('what others write stays on its line', async () => {
    await log('info', 'two\nlines\u001b[2J');
    expect(await kept()).to.deep.equal(['INFO     Spec: two lines [2J']);
  });
});
