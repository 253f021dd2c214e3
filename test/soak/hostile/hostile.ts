import { type OpenBus, openBus } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { Child } from '../run/child.js';
import {
  atLeast,
  type Check,
  count,
  defineFigure,
  quantile,
  type Soak,
  type Timed,
  time,
  times,
} from '../run/figure.js';
import { until } from '../run/until.js';
import { Wire } from '../run/wire.js';
import { bombs } from './bytes.js';
import type { HostileMethods } from './hostile-process.js';
import { events, Liar, texts, Victim } from './service.js';
import { attack, LIES } from './wire-attack.js';

/** After so many hostile messages, the good ones among them have to be handled before it goes on. */
const BATCH = 500;
const GOOD_PER_BATCH = 15;
const OVERSIZE_PER_RUN = 10;
const PATIENCE_MS = 20_000;
const STALL_MS = 50;
const TIMES_THE_INPUT = 8;
/** One message of the largest size takes up to 30 ms to read, and the garbage of those that wait has to be collected too. */
const BOMB = { stallMs: 100, timesTheInput: TIMES_THE_INPUT };
/** V8 needs 40 bytes for an empty list, three bytes of JSON; a handler that takes JSON holds what its caller wrote. */
const JSON_BOMB = { stallMs: 400, timesTheInput: 16 };

interface Size {
  readonly messages: number;
  /** Of each kind, one mebibyte each. */
  readonly bombs: number;
}

/** Bytes that mean harm cost nothing but themselves. */
export const hostile = defineFigure<Size>({
  name: 'hostile',
  promise: 'hostile bytes, headers, subjects and answers cost themselves: no neighbour, no link, no stall, no memory',
  sizes: {
    small: { messages: 500, bombs: 1 },
    short: { messages: 50_000, bombs: 32 },
    long: { messages: 1_000_000, bombs: 64 },
  },
  async run(size, soak) {
    await using server = await startNatsServer();
    const child = await Child.start<HostileMethods>(new URL('./hostile-process.js', import.meta.url), {
      nodeOptions: ['--expose-gc'],
    });
    const transport = await connectNats({ servers: server.url });
    try {
      await child.call('start', server.url);
      const bus = openBus({ transport, source: 'service.soak' });
      const among = await goodAmongHostile(size, soak, server, child, bus);
      const piled = await pileUp(size, soak, server, child, bus);
      const seen = await child.call('report');
      const text = (value: number) => value.toLocaleString('en-US');
      return {
        did:
          `${text(size.messages)} hostile messages (${text(Math.round(among.bytes / 2 ** 20))} MB), ` +
          `${text(among.lies.told)} hostile answers, ${OVERSIZE_PER_RUN} oversize, ` +
          `${text(piled.bombs.length * size.bombs)} bombs of 1 MB; ${text(seen.bad)} refused as bad`,
        checks: [
          count('good messages handled', among.handled, among.good),
          count('good calls answered', among.answered, among.calls),
          count('own calls ended', among.lies.ended, among.lies.told),
          count('good calls after the bombs', piled.answered, piled.bombs.length),
          atLeast('refused as bad', seen.bad, size.messages / 10),
          count('disconnects', seen.disconnects),
          count('unhandled rejections', seen.unhandled.length),
          time('longest stall', among.stallMs, STALL_MS, among.controlMs),
          times('memory to input', among.growth / among.bytes, TIMES_THE_INPUT),
          ...worstOf(
            'bombs',
            piled.bombs.filter(({ ofJson }) => !ofJson),
            BOMB,
          ),
          ...worstOf(
            'bombs of JSON',
            piled.bombs.filter(({ ofJson }) => ofJson),
            JSON_BOMB,
          ),
        ],
        notes: [...seen.unhandled, ...piled.bombs.map(noteOf)],
      };
    } finally {
      await child.kill();
      await transport.close();
    }
  },
});

async function goodAmongHostile(
  { messages }: Size,
  { random, control, progress }: Soak,
  server: NatsServer,
  child: Child<HostileMethods>,
  bus: OpenBus,
) {
  const wire = await Wire.connect(server.port);
  const liar = await startLiar(server);
  const result = { bytes: 0, good: 0, handled: 0, calls: 0, answered: 0, lies: { told: 0, ended: 0 } };
  const controlMs = control.watch();
  await child.call('watch');
  const echo = (n: number) =>
    bus
      .client(Victim)
      .echo(n)
      .then(
        (m) => Number(m === n),
        () => 0,
      );

  for (let sent = 0; sent < messages; ) {
    const answers: Promise<number>[] = [];
    const lies: Promise<unknown>[] = [];
    const end = Math.min(messages, sent + BATCH);
    const goodEvery = Math.ceil((end - sent) / GOOD_PER_BATCH);
    for (; sent < end; sent++) {
      result.bytes += attack(wire, random);
      if (sent % goodEvery !== 0) continue;
      await wire.drained();
      const name = `good ${result.good}`;
      result.good += 3;
      const device = DeviceEvent.create({ deviceName: name });
      await Promise.all([bus.publish(events, device), bus.send(Victim.messages, device), bus.publish(texts, name)]);
      result.calls += 1;
      answers.push(echo(result.calls));
      result.lies.told += 1;
      lies.push(child.call('ask', 'anything'));
    }
    await wire.flush();
    for (const answered of await Promise.all(answers)) result.answered += answered;
    result.lies.ended += (await Promise.all(lies)).length;
    // What a server hangs up on never reached the victim, and would prove nothing.
    await liar.flush();
    await until(async () => (await child.call('good')) >= result.good, PATIENCE_MS);
    if (sent % (BATCH * 20) === 0) progress(`${sent} of ${messages} hostile messages`);
  }
  for (let times = 0; times < OVERSIZE_PER_RUN; times++) await oversize(server);
  result.handled = await child.call('good');
  const seen = await child.call('seen');
  wire.close();
  liar.close();
  return { ...result, ...seen, controlMs: await controlMs() };
}

/** Serves calls, and answers whatever comes to its mind. */
async function startLiar(server: NatsServer): Promise<Wire> {
  const wire = await Wire.connect(server.port);
  let next = 0;
  wire.onMessage = ({ replyTo }) => {
    const { headers, payload } = LIES[next++ % LIES.length] as (typeof LIES)[number];
    if (replyTo === undefined) return;
    if (headers === undefined) wire.publish(replyTo, Buffer.from(payload));
    else wire.publishWith(Buffer.from(headers, 'latin1'), replyTo, Buffer.from(payload));
    void wire.drained();
  };
  wire.subscribe(Liar.rpc.ask.topic);
  await wire.flush();
  return wire;
}

/** The server hangs up on whoever sends more than it takes. */
async function oversize(server: NatsServer): Promise<void> {
  const wire = await Wire.connect(server.port);
  wire.publish(events.name, new Uint8Array(2 ** 20 + 1));
  await wire.flush().catch(() => undefined);
  wire.close();
}

/** Messages that grow when they are read, while handlers hang and all that arrives has to wait. */
async function pileUp(
  size: Size,
  { control, progress }: Soak,
  server: NatsServer,
  child: Child<HostileMethods>,
  bus: OpenBus,
) {
  const wire = await Wire.connect(server.port);
  const kinds = bombs(2 ** 20 - 4_096);
  const seen: Bomb[] = [];
  let answered = 0;
  for (const { what, topic, bytes } of kinds) {
    const controlMs = control.watch();
    await child.call('hold');
    await child.call('watch');
    for (let sent = 0; sent < size.bombs; sent++) {
      wire.publish(topic, bytes, topic === Victim.rpc.read.topic ? `_INBOX.${'x'.repeat(22)}.1` : '');
      await wire.drained();
    }
    await wire.flush();
    await child.call('release');
    // Behind all of them on the victim's link. While as much waits as may, calls are refused at once.
    const isAnswered = await until(
      () =>
        bus
          .client(Victim)
          .echo(1)
          .then(
            () => true,
            () => false,
          ),
      PATIENCE_MS,
    );
    answered += Number(isAnswered);
    const { stallMs, growth } = await child.call('seen');
    const times = growth / (bytes.length * size.bombs);
    seen.push({ what, ofJson: what.startsWith('JSON'), times, ms: stallMs, controlMs: await controlMs() });
    progress(noteOf(seen.at(-1) as Bomb));
  }
  wire.close();
  return { bombs: seen, answered };
}

/** What one kind of bomb did. */
interface Bomb extends Timed {
  readonly what: string;
  readonly ofJson: boolean;
  /** Memory to input. */
  readonly times: number;
}

const noteOf = ({ what, times, ms }: Bomb) => `${what}: memory ${times.toFixed(1)}×, stall ${ms.toFixed(0)} ms`;

function worstOf(which: string, bombs: readonly Bomb[], bar: typeof BOMB): Check[] {
  const slowest = quantile(bombs, 1);
  const largest = Math.max(...bombs.map((bomb) => bomb.times));
  return [
    time(`longest stall by ${which}`, slowest.ms, bar.stallMs, slowest.controlMs),
    times(`memory to input of ${which}`, largest, bar.timesTheInput),
  ];
}
