import { defineService, defineTopic, rpc } from '@terabus/core/contract';
import { LogEvent, LogEvent_LogLevel, LoginEvent } from '@terabus/messages';
import { z } from 'zod';

/** The words of OpenTera's levels, as they stand in topics. The lower the number, the more severe. */
export const logLevels = {
  fatal: LogEvent_LogLevel.LOGLEVEL_FATAL,
  error: LogEvent_LogLevel.LOGLEVEL_ERROR,
  critical: LogEvent_LogLevel.LOGLEVEL_CRITICAL,
  warning: LogEvent_LogLevel.LOGLEVEL_WARNING,
  info: LogEvent_LogLevel.LOGLEVEL_INFO,
  debug: LogEvent_LogLevel.LOGLEVEL_DEBUG,
  trace: LogEvent_LogLevel.LOGLEVEL_TRACE,
} as const;
export type LogLevel = keyof typeof logLevels;

const levelWords = Object.keys(logLevels) as [LogLevel, ...LogLevel[]];

/** Where everybody logs: `log.info`, `log.error`, … */
export const logLines = defineTopic('log.{level}', { wrapper: 'event', types: [LogEvent, LoginEvent] });

/** Keeps the log. */
export const Logging = defineService('LoggingService', {
  rpc: {
    /** What is less severe than this is not kept. The answer is the level that holds now. */
    set_loglevel: rpc({
      args: [z.enum(levelWords)],
      returns: z.object({ loglevel: z.enum(levelWords) }),
      idempotent: true,
    }),
  },
});
