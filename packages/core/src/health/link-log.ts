import type { Logger } from 'pino';
import { say } from '../observe/say.js';
import type { TransportEvent } from '../transport/transport-health.js';

/** Says in the log what happens to the link of a host. */
export function logLink(logger: Logger, event: TransportEvent): void {
  switch (event.kind) {
    case 'disconnected': {
      const { server, unconfirmed, error } = event;
      say(logger, 'warn', { err: error, server, unconfirmed }, `the link to ${server} is lost, and is being restored`);
      break;
    }
    case 'reconnected': {
      const { server, downMs } = event;
      say(logger, 'info', { server, downMs }, `the link is back, to ${server}`);
      break;
    }
    case 'lame-duck':
      say(logger, 'warn', { server: event.server }, `${event.server} is about to end`);
      break;
    case 'problem':
    case 'error':
      say(logger, 'error', { err: event.error }, event.error.message);
      break;
    case 'solved':
      say(logger, 'info', { reason: event.error.reason }, `solved: ${event.error.rawMessage}`);
      break;
    case 'bad-message':
      // Whoever sends one may send a million: one line in a thousand tells enough.
      if (event.count % 1_000 === 1)
        say(logger, 'error', { err: event.error, count: event.count }, event.error.message);
      break;
    case 'reply-refused':
      say(
        logger,
        'warn',
        { topic: event.topic, shape: event.shape },
        'a caller wants its answer where no answer is sent: it gets none',
      );
      break;
  }
}
