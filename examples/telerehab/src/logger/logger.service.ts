import { OnEvent, Rpc, Service, TeraService } from '@terabus/core';
import { LogEvent, LoginEvent } from '@terabus/messages';
import { inject } from 'inversify';
import type { LogLevel } from '../contracts/logging.contract.js';
import { Logging, logLevels, logLines } from '../contracts/logging.contract.js';
import { loginLine, logLine } from './log-line.js';
import { LogSink } from './log-sink.js';

/** Keeps what is severe enough of the common log. */
@Service(Logging)
export class LoggerService extends TeraService {
  #level: LogLevel = 'trace';

  constructor(@inject(LogSink) private readonly sink: LogSink) {
    super();
  }

  @OnEvent(logLines.all, LogEvent)
  onLog(event: LogEvent) {
    if (this.#keeps(event.level)) this.sink.keep(logLine(event));
  }

  @OnEvent(logLines.all, LoginEvent)
  onLogin(event: LoginEvent) {
    if (this.#keeps(event.logHeader?.level ?? 0)) this.sink.keep(loginLine(event));
  }

  @Rpc(Logging.rpc.set_loglevel)
  setLogLevel(level: LogLevel) {
    this.#level = level;
    return { loglevel: level };
  }

  /** An unknown level is 0 and always kept: better a line too many. */
  #keeps(level: number): boolean {
    return level <= logLevels[this.#level];
  }
}
