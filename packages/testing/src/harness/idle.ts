import { turn } from '@terabus/core/memory';
import type { Transport } from '@terabus/core/transport';
import type { Message } from '@terabus/messages';
import { BusError, toJson } from '@terabus/messages';
import type { Handling, Recorder } from './recorder.js';

/**
 * So many turns of the event loop in a row without any move: work that waits for nothing but its turn moves in each of
 * them, and an asynchronous handler of a service may take a few steps of its own between two moves.
 */
const QUIET_TURNS = 4;

/** Whoever still moves then will move for ever, as two services do that answer each other's every message. */
const MOST_TURNS = 100_000;

/** What has to come to rest. */
export interface Restless {
  readonly recorder: Recorder;
  /** All connections of the harness. */
  readonly transports: readonly Transport[];
  /** Whether something is queued for delivery in memory. */
  readonly busy: () => boolean;
  readonly patienceMs: number;
  readonly elapsed: () => number;
  /** In how many milliseconds each virtual timer that waits comes due. */
  readonly pendingDelaysMs: () => readonly number[];
}

/**
 * Resolves when everything that is on the way has been handled. Nothing here waits for time to pass: the event loop is
 * turned until nothing moves any more, and a handler that waits for real work (a file, a database) is waited for
 * until it moves. Real time only tells when to give up.
 */
export async function idle(restless: Restless): Promise<void> {
  const { recorder, patienceMs } = restless;
  for (;;) {
    await untilQuiet(restless);
    if (recorder.pending === 0 || recorder.waitsForTime) return;
    if (!(await recorder.movesWithin(patienceMs))) throw stuck(restless);
  }
}

/**
 * A fence on each connection: what was sent before the first has reached the server, and what the server had for a
 * connection before the second has been delivered. Quiet rounds come in fours, so nothing is left on the way.
 */
async function untilQuiet({ recorder, transports, busy }: Restless): Promise<void> {
  let seen = recorder.moves;
  let quietTurns = 0;
  for (let turns = 0; turns < MOST_TURNS; turns += 1) {
    await Promise.all(transports.map(fence));
    await turn();
    quietTurns = recorder.moves === seen && !busy() ? quietTurns + 1 : 0;
    seen = recorder.moves;
    if (quietTurns === QUIET_TURNS) return;
  }
  const last = [...new Set(recorder.handlings.slice(-20).map(({ handler }) => handler))];
  throw new BusError(
    `messages bring forth messages without end: after ${MOST_TURNS} turns of the event loop ${last.join(', ')} still get new ones`,
    { code: 'DEADLINE_EXCEEDED', reason: 'HARNESS_ENDLESS' },
  );
}

/**
 * Waits for what may need time to pass, such as a drain. Whenever nothing has moved for `patienceMs` of real time,
 * `moveTime` is called.
 */
export async function movingTime<T>(
  work: Promise<T>,
  { recorder, patienceMs }: Pick<Restless, 'recorder' | 'patienceMs'>,
  moveTime: () => Promise<void>,
): Promise<T> {
  let ended = false;
  const ending = work.finally(() => {
    ended = true;
  });
  while (!ended) {
    if (!(await recorder.movesWithin(patienceMs, ending))) await moveTime();
  }
  return ending;
}

/** Nothing is on the way where there is no link: what was, is lost. */
async function fence(transport: Transport): Promise<void> {
  try {
    await transport.flush();
  } catch (error) {
    if (!BusError.is(error) || error.reason !== 'TERABUS_DISCONNECTED') throw error;
  }
}

function stuck({ recorder, patienceMs, elapsed, pendingDelaysMs }: Restless): BusError {
  const running = recorder.running.map((handling) => `  ${describe(handling, elapsed() - handling.startedAtMs)}`);
  const waiting = [...recorder.waiting].map(
    ([handler, count]) =>
      `  ${handler} has ${count} more waiting for a turn, behind one that has not ended or ran out of time and goes on`,
  );
  const delays = pendingDelaysMs();
  const shown = delays.slice(0, 5).map((delay) => `${delay}`);
  const timers =
    delays.length === 0
      ? 'No virtual timer is pending: it waits for something real, or for a promise that nobody settles.'
      : `Virtual timers are pending, due in ${shown.join(', ')}${delays.length > 5 ? ', …' : ''} ms: ` +
        'time moves only with harness.clock.advance(ms). The limits of handlers and the beacons of modules are among them; for real work that ' +
        'takes longer, give startHarness a longer patienceMs.';
  return new BusError(
    [
      `nothing has moved for ${patienceMs} ms, and there is work that has not ended:`,
      ...running,
      ...waiting,
      timers,
    ].join('\n'),
    {
      code: 'DEADLINE_EXCEEDED',
      reason: 'HARNESS_STUCK',
      details: { handlers: recorder.running.map(({ handler }) => handler) },
    },
  );
}

function describe({ handler, service, type, topic, args }: Handling, forMs: number): string {
  const shown = args.length === 0 ? '' : `: ${args.map(show).join(', ')}`;
  return `${handler} of ${service} on ${type} from '${topic}', for ${forMs} ms of virtual time${shown}`;
}

function show(value: unknown): string {
  let text: string | undefined;
  try {
    const isMessage = typeof (value as Message | undefined)?.$type === 'string';
    text = JSON.stringify(isMessage ? toJson(value as Message) : value);
  } catch {
    // A type that has no JSON here, or a bigint.
  }
  text ??= String(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
