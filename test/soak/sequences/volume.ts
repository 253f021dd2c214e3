import { setImmediate as turn } from 'node:timers/promises';
import { HEADER, type Host, type OpenBus, openBus, startHost } from '@terabus/core';
import { type Outbound, systemClock } from '@terabus/core/transport';
import { DeviceEvent, decodeModuleMessage } from '@terabus/messages';
import { pino } from 'pino';
import type { Soak } from '../run/figure.js';
import { Channel } from './channel.js';
import { LooseTransport } from './loose-transport.js';
import { Score } from './score.js';
import { Counted, CountedService } from './service.js';
import { type Stamped, Truth } from './truth.js';

const SOURCES = ['module.A', 'module.B', 'service.C'];
const SENDER_RESTARTS = 1 / 5_000;
const RECEIVER_RESTARTS = 1 / 20_000;
/** The connection refuses a message, so that its number is given up. */
const REFUSED = 0.002;

/** Numbers of many messages: real senders and a real host, with a way between them that has every fault. */
export async function numbersInBulk(messages: number, { random, progress }: Soak) {
  const score = new Score();
  const truth = new Truth();
  const restarts = { senders: 0, receivers: 0 };
  let refused = 0;
  let refuse = false;
  // Two senders that start in one millisecond could not be told apart by age.
  let now = Date.UTC(2025, 0, 1);
  const clock = { ...systemClock, now: () => now };

  let transport = new LooseTransport();
  let host = await receive(transport, score);
  const channel = new Channel<Stamped & { message: Outbound }>(random, (stamped) => {
    const { topic, bytes, headers = new Map() } = stamped.message;
    transport.deliver({ topic, bytes: new Uint8Array(bytes), headers });
    score.compare(truth.judge(stamped));
  });

  const startSender = (source: string): OpenBus => {
    now += 1;
    const link = new LooseTransport();
    link.onPublish = (message) => {
      // Heartbeats are left out: what is lost has to be seen by what comes behind it.
      if (message.topic !== Counted.messages.name) return;
      if (refuse) throw new Error('refused');
      const stamped = { ...stampOf(message), message: { ...message, headers: new Map(message.headers) } };
      channel.take(stamped);
    };
    return openBus({ transport: link, source, clock });
  };
  const senders = SOURCES.map(startSender);

  for (let sent = 1; sent <= messages; sent++) {
    const which = random.below(senders.length);
    if (random.chance(SENDER_RESTARTS)) {
      restarts.senders += 1;
      senders[which] = startSender(SOURCES[which] as string);
    }
    if (random.chance(RECEIVER_RESTARTS)) {
      restarts.receivers += 1;
      channel.empty();
      await host.stop();
      truth.restart();
      transport = new LooseTransport();
      host = await receive(transport, score);
    }
    refuse = random.chance(REFUSED);
    refused += Number(refuse);
    await senders[which]?.send(Counted.messages, DeviceEvent.create({ deviceName: `${sent}` })).catch(() => undefined);
    if (sent % 256 === 0) await turn();
    if (sent % 1_000_000 === 0 || sent === messages) progress(`${sent} of ${messages} in one process`);
  }
  channel.empty();
  await host.stop();
  return { score, trueLoss: truth.lost, restarts, refused, channel };
}

const receive = (transport: LooseTransport, score: Score): Promise<Host> =>
  startHost({
    transport,
    services: [CountedService],
    observers: [score.observer],
    logger: pino({ level: 'silent' }),
  });

/** How a message is stamped, read from what is on the wire. */
export function stampOf({ bytes, headers }: Pick<Outbound, 'bytes' | 'headers'>): Stamped {
  const { head } = decodeModuleMessage(bytes);
  return {
    source: head?.source ?? '',
    seq: head?.seq ?? 0,
    epoch: headers?.get(HEADER.epoch) ?? '',
    abandoned: headers?.get(HEADER.abandoned),
  };
}
