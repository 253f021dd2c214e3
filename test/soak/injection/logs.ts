import type { EventContext } from '@terabus/core';
import {
  defineService,
  defineTopic,
  logHooks,
  OnPayload,
  openBus,
  Rpc,
  rpc,
  Service,
  startHost,
  TeraService,
} from '@terabus/core';
import { systemClock } from '@terabus/core/transport';
import { encodeRpcRequest } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { pino } from 'pino';
import { z } from 'zod';
import type { Random } from '../run/random.js';
import { until } from '../run/until.js';
import { Breaches } from './breaches.js';
import { hostileText } from './corpus.js';
import type { Watcher } from './watcher.js';

const lines = defineTopic('soak.log.{where}', { wrapper: 'text' });
const Logging = defineService('Soak.Logging', { rpc: { fail: rpc({ args: [z.string()], returns: z.null() }) } });

@Service(Logging, { uses: [lines] })
class LoggingService extends TeraService {
  said = 0;

  @OnPayload(lines.all)
  onLine(text: string, { logger }: EventContext) {
    this.said += 1;
    logger.info({ text, [text]: text }, text);
    throw new Error(text);
  }

  @Rpc(Logging.rpc.fail)
  fail(text: string): null {
    this.said += 1;
    throw Object.assign(new Error(text), { code: text });
  }
}

/** Controls of ASCII and of Latin-1, which terminals obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]/;

/** Texts that end in logs: each call of the logger is one line of JSON, which no text can break or forge. */
export async function logs(cases: number, server: NatsServer, watcher: Watcher, random: Random): Promise<Breaches> {
  const breaches = new Breaches();
  const transport = await connectNats({ servers: server.url });
  const written: string[] = [];
  const logger = pino({ level: 'trace', hooks: logHooks }, { write: (line: string) => written.push(line) });
  const clock = hastyClock();
  const host = await startHost({ transport, services: [LoggingService], logger, clock });
  const service = host.service(LoggingService);
  const sender = await connectNats({ servers: server.url });
  const bus = openBus({ transport: sender, source: 'service.soak' });

  let told = 0;
  for (let n = 0; n < cases; n++) {
    const text = hostileText(Math.floor(n / 3), random).toWellFormed();
    const before = { said: service.said, written: written.length };
    breaches.cases += 1;
    clock.nextSecond();
    switch (n % 3) {
      case 0:
        await bus
          .publish(lines({ where: text.replaceAll('.', '') || 'x' }), text)
          .catch(() => bus.publish(lines({ where: 'x' }), text));
        await until(() => service.said > before.said, 5_000);
        break;
      case 1:
        await bus
          .client(Logging)
          .fail(text)
          .catch(() => undefined);
        break;
      default: {
        const bytes = encodeRpcRequest({ method: text, replyTo: text, id: 1n, timestamp: 1, args: [] });
        await sender.publish({ topic: Logging.rpc.fail.topic, bytes, headers: new Map([['X', 'y']]) });
        await sender.flush();
        await bus
          .client(Logging)
          .fail('next')
          .catch(() => undefined);
      }
    }
    const said = written.slice(before.written);
    told += Number(said.some((line) => line.includes(n % 3 === 2 ? 'METHOD_UNKNOWN' : 'HANDLER_FAILED')));
    const problem = said.map(problemOf).find((each) => each !== undefined);
    if (problem === undefined) breaches.harmless += 1;
    else breaches.report(text, problem);
  }
  // What is not written shows nothing.
  if (told < cases * 0.9) breaches.report('logs', `told of only ${told} of ${cases} cases`);
  await host.stop();
  await sender.close();
  await watcher.take();
  return breaches;
}

/** Logs tell of so many failures a second; with this clock each case has a second of its own. */
function hastyClock() {
  let ahead = 0;
  return {
    ...systemClock,
    elapsed: () => systemClock.elapsed() + ahead,
    setTimer: (delayMs: number, run: () => void) => systemClock.setTimer(delayMs === 1_000 ? 1 : delayMs, run),
    nextSecond: () => {
      ahead += 1_000;
    },
  };
}

function problemOf(line: string): string | undefined {
  const text = line.slice(0, -1);
  if (!line.endsWith('\n') || CONTROL.test(text))
    return `wrote a control character: ${JSON.stringify(line.slice(0, 300))}`;
  try {
    const { level } = JSON.parse(text) as { level: unknown };
    return typeof level === 'number' && level < 60 ? undefined : `forged the level ${level}`;
  } catch {
    return `wrote a line that is no JSON: ${JSON.stringify(line.slice(0, 300))}`;
  }
}
