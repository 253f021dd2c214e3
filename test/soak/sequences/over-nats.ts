import { type Host, openBus, startHost, type Verdict } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { pino } from 'pino';
import type { Soak } from '../run/figure.js';
import { until } from '../run/until.js';
import { Wire, type WireMessage } from '../run/wire.js';
import { Channel } from './channel.js';
import { Score } from './score.js';
import { Counted, CountedService } from './service.js';
import { type Judgement, type Stamped, Truth } from './truth.js';
import { stampOf } from './volume.js';

/** After so many messages sender or receiver starts anew. */
const BETWEEN_RESTARTS = 2_000;
const PATIENCE_MS = 20_000;

/**
 * The same over a real server: the sender publishes in the namespace `up`, the receiver listens in `down`, and the
 * channel carries what comes from one to the other.
 */
export async function numbersOverNats(messages: number, { random, progress }: Soak) {
  await using server = await startNatsServer();
  const score = new Score();
  const truth = new Truth();
  const restarts = { senders: 0, receivers: 0 };
  const relay = await Wire.connect(server.port);
  let wanted: Judgement[] = [];
  const channel = new Channel<Stamped & { raw: WireMessage }>(random, (stamped) => {
    const { subject, headers, payload } = stamped.raw;
    wanted.push(truth.judge(stamped));
    relay.publishWith(headers, subject.replace('@up.', '@down.'), payload);
  });
  let carried = 0;
  relay.onMessage = (raw) => {
    carried += 1;
    channel.take({ ...stampOf({ bytes: raw.payload, headers: parse(raw.headers) }), raw });
  };
  relay.subscribe(`@up.${Counted.messages.name}`);
  await relay.flush();

  let receiver = await Receiver.start(server);
  let sender = await connect(server, 'up');
  for (let sent = 0; sent < messages; ) {
    const bus = openBus({ transport: sender, source: 'module.Sender' });
    const end = Math.min(messages, sent + BETWEEN_RESTARTS);
    for (; sent < end; sent++) await bus.send(Counted.messages, DeviceEvent.create({ deviceName: `${sent}` }));
    await sender.flush();
    await until(() => carried >= sent, PATIENCE_MS);
    if (sent === messages || random.chance(0.3)) {
      channel.empty();
      await relay.flush();
      await receiver.stop();
      receiver.score(wanted, score);
      wanted = [];
      truth.restart();
      if (sent < messages) {
        receiver = await Receiver.start(server);
        restarts.receivers += 1;
      }
    }
    if (sent < messages) restarts.senders += 1;
    await sender.close();
    sender = await connect(server, 'up');
  }
  await sender.close();
  relay.close();
  progress(`${messages} over NATS`);
  return { score, trueLoss: truth.lost, restarts, channel };
}

const connect = (server: NatsServer, namespace: string): Promise<Transport> =>
  connectNats({ servers: server.url, namespace });

/** A host that keeps what it says of each arrival that is not in order. */
class Receiver {
  readonly #said: Verdict[] = [];
  readonly #host: Host;

  private constructor(host: Host, said: Verdict[]) {
    this.#host = host;
    this.#said = said;
  }

  static async start(server: NatsServer): Promise<Receiver> {
    const said: Verdict[] = [];
    const host = await startHost({
      transport: await connect(server, 'down'),
      services: [CountedService],
      observers: [(event) => event.kind === 'sequence' && said.push(event.verdict)],
      logger: pino({ level: 'silent' }),
    });
    return new Receiver(host, said);
  }

  async stop(): Promise<void> {
    await this.#host.stop();
  }

  /** Messages that are in order say nothing, so that only the others are compared, one by one. */
  score(wanted: readonly Judgement[], score: Score): void {
    let next = 0;
    for (const judgement of wanted) {
      const inOrder = judgement.verdict.kind === 'in-order';
      score.add(judgement, inOrder ? judgement.verdict : (this.#said[next++] ?? { kind: 'untracked', missing: 0 }));
    }
    for (const said of this.#said.slice(next))
      score.add({ verdict: { kind: 'in-order', missing: 0 }, recovered: 0 }, said);
  }
}

/** The headers of a block that Terabus wrote. */
function parse(block: Buffer): Map<string, string> {
  const lines = block.toString('utf8').split('\r\n').slice(1);
  return new Map(
    lines.filter(Boolean).map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}
