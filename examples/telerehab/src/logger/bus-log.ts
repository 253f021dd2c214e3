import { Bus, Clock, Logger } from '@terabus/core';
import { LogEvent } from '@terabus/messages';
import { inject, injectable } from 'inversify';
import type { LogLevel } from '../contracts/logging.contract.js';
import { logLevels, logLines } from '../contracts/logging.contract.js';

/** Writes to the common log, which the logger keeps. For a service that has `logLines` in its `uses`. */
@injectable()
export class BusLog {
  constructor(
    @inject(Bus) private readonly bus: Bus,
    @inject(Clock) private readonly clock: Clock,
    @inject(Logger) private readonly logger: Logger,
  ) {}

  /** Never fails: nobody's work may depend on the log. */
  async write(level: LogLevel, sender: string, message: string): Promise<void> {
    const timestamp = this.clock.now() / 1_000;
    try {
      await this.bus.publish(
        logLines({ level }),
        LogEvent.create({ level: logLevels[level], timestamp, sender, message }),
      );
    } catch (error) {
      this.logger.warn({ err: error, sender, message }, 'a line of the common log was lost');
    }
  }
}
