import { BusError, encodeRpcRequest, toRpcValue } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import {
  defineModule,
  defineTopic,
  from,
  type HandlerContext,
  OnPayload,
  Rpc,
  rpc,
  Service,
  TeraService,
} from '../index.js';
import { Stage } from '../service/stage.spec.js';

const Ward = defineModule('Test.Ward', { rpc: { work: rpc({ args: [z.string()], returns: z.string() }) } });
const notes = defineTopic('notes', { wrapper: 'text' });
const MANY = 10_000;

function boom(): never {
  throw new Error('boom');
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const hostile = new Proxy(() => {}, { get: boom, has: boom, getPrototypeOf: boom, apply: boom });

/** What no handler should throw, and some do. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  'an error': () => new Error('no'),
  undefined: () => undefined,
  null: () => null,
  'a symbol': () => Symbol('no'),
  'a bigint': () => 7n,
  'a proxy that throws': () => hostile,
  'a revoked proxy': revoked,
  'an object whose getters throw': () =>
    Object.defineProperties(
      {},
      { message: { get: boom }, stack: { get: boom }, name: { get: boom }, code: { get: boom } },
    ),
  'an object without prototype': () => Object.create(null),
  'an error whose message throws': () => Object.defineProperty(new Error('x'), 'message', { get: boom }),
  'a BusError with a cycle in its details': () => {
    const details: Record<string, unknown> = {};
    details['self'] = details;
    return new BusError('no', { code: 'INTERNAL', details });
  },
};

/** How a handler ends badly, or never. */
const MISDEEDS: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(
    Object.entries(THROWN).flatMap(([what, make]) => [
      [
        `throws ${what}`,
        () => {
          throw make();
        },
      ],
      [`rejects with ${what}`, () => Promise.reject(make())],
      [`returns ${what}`, make],
      [`resolves with ${what}`, async () => make()],
    ]),
  ),
  // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
  'returns a thenable that throws': () => ({ then: boom }),
  'returns a thenable whose then can’t be read': () => Object.defineProperty({}, 'then', { get: boom }),
  'returns a thenable that calls both ends and throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
      resolve('well');
      reject(new Error('ill'));
      boom();
    },
  }),
  // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
  'returns a thenable that never calls': () => ({ then: () => {} }),
  'returns a promise whose constructor can’t be read': () =>
    Object.defineProperty(Promise.resolve(), 'constructor', { get: boom }),
  'never ends': () => new Promise(() => {}),
};
const kinds = Object.keys(MISDEEDS);

@Service(Ward, { rpc: { timeoutMs: 100, abandonAfterMs: 50, concurrency: 32, maxQueued: MANY } })
class WardService extends TeraService {
  good = 0;

  @OnPayload(from(notes, { concurrency: 32, timeoutMs: 100, abandonAfterMs: 50, maxQueued: MANY }))
  onNote(text: string) {
    if (text !== 'good') return MISDEEDS[text]?.();
    this.good += 1;
    return undefined;
  }
  @Rpc(Ward.rpc.work)
  work(what: string, _context: HandlerContext) {
    return (what === 'good' ? 'good' : MISDEEDS[what]?.()) as string;
  }
}

describe(`${MANY} handlers of which half misbehave in ${kinds.length} ways`, () => {
  let stage: Stage;
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => {
    stage = new Stage();
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    await stage.end();
    process.off('unhandledRejection', note);
    expect(unhandled).to.deep.equal([]);
  });
  const what = (n: number) => (n % 2 === 0 ? 'good' : (kinds[((n - 1) / 2) % kinds.length] as string));

  it('of messages hurt none of the others, and give all slots back', async () => {
    const host = await stage.start(WardService);
    for (let n = 0; n < MANY; n += 1) {
      await stage.client.publish({ topic: 'notes', bytes: new TextEncoder().encode(what(n)) });
    }
    await stage.clock.advance(60_000);
    expect(host.service(WardService).good).to.equal(MANY / 2);
    const { handled, failed, abandoned, dropped } = host.counters;
    expect([handled + failed, dropped]).to.deep.equal([MANY, 0]);
    expect(abandoned).to.be.within(1, (MANY / 2 / kinds.length) * 2 + 2);
    expect(stage.clock.pendingTimers).to.equal(0);
    expect(await host.stop()).to.deep.include({ running: 0, waiting: 0 });
  });

  it('of calls are each answered, the good ones well', async () => {
    const host = await stage.start(WardService);
    const answers = new Map<string, number>();
    for (let n = 0; n < MANY; n += 1) {
      const bytes = encodeRpcRequest({
        method: 'work',
        replyTo: '',
        id: BigInt(n),
        timestamp: 1,
        args: [toRpcValue(what(n))],
      });
      stage.client.request({ topic: Ward.rpc.work.topic, bytes }, (answer) => {
        const text = BusError.is(answer) ? answer.message : new TextDecoder().decode(answer.bytes);
        const { status, return_value } = JSON.parse(text);
        const key = status === 'OK' ? return_value : status;
        answers.set(key, (answers.get(key) ?? 0) + 1);
      });
    }
    await stage.clock.advance(60_000);
    expect(answers.get('good')).to.equal(MANY / 2);
    expect([...answers.values()].reduce((sum, count) => sum + count, 0)).to.equal(MANY);
    expect(await host.stop()).to.deep.include({ running: 0, waiting: 0 });
  });
});
