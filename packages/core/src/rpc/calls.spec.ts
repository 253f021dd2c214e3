import { BusError, RPCMessage, Value } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { z } from 'zod';
import type { RpcContext } from '../index.js';
import { defineModule, defineService, Rpc, rpc, Service, TeraService } from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';

const Registry = defineModule('Test.Registry', {
  rpc: {
    greet: rpc({ args: [z.string().min(1)], returns: z.string() }),
    slow: rpc({ args: [z.string()], returns: z.string(), timeoutMs: 1_000 }),
    fail: rpc({ args: [z.string()], returns: z.void() }),
    large: rpc({ args: [], returns: z.string() }),
    wrong: rpc({ args: [], returns: z.string() }),
  },
});
const Nowhere = defineModule('Test.Nowhere', { rpc: { ping: rpc({ args: [], returns: z.void() }) } });
const Asker = defineService('Asker', {});

@Service(Registry, { uses: [Registry], rpc: { concurrency: 1, timeoutMs: 5_000, abandonAfterMs: 100 } })
class RegistryService extends TeraService {
  readonly ran: string[] = [];
  readonly open = new Map<string, () => void>();
  readonly contexts: RpcContext[] = [];

  @Rpc(Registry.rpc.greet)
  greet(name: string) {
    return `Hello ${name}`;
  }
  @Rpc(Registry.rpc.slow)
  async slow(name: string, context: RpcContext) {
    this.ran.push(name);
    this.contexts.push(context);
    await new Promise<void>((resolve) => this.open.set(name, resolve));
    return name;
  }
  @Rpc(Registry.rpc.fail)
  fail(how: string) {
    if (how === 'bus') throw new BusError('off', { code: 'NOT_FOUND', reason: 'DEVICE_OFF', details: { uuid: 'u' } });
    if (how === 'nothing') return Promise.reject();
    throw new Error('the password is 1234');
  }
  @Rpc(Registry.rpc.large)
  large() {
    return 'x'.repeat(5_000);
  }
  @Rpc(Registry.rpc.wrong)
  wrong() {
    return 7 as unknown as string;
  }
}

@Service(Asker, { uses: [Registry, Nowhere] })
class AskerService extends TeraService {
  get registry() {
    return this.client(Registry);
  }
  get nowhere() {
    return this.client(Nowhere);
  }
}

describe('calls', () => {
  let stage: Stage;
  let asker: AskerService;
  let registry: RegistryService;
  beforeEach(async () => {
    stage = new Stage({ maxPayloadBytes: 4_000 });
    const host = await stage.start([RegistryService, AskerService], { answerRedisClients: true });
    asker = host.service(AskerService);
    registry = host.service(RegistryService);
  });
  afterEach(() => stage.end());

  const request = (method: string, args: readonly unknown[] = [], id = 0n, replyTo = '') =>
    RPCMessage.encode(
      RPCMessage.create({
        method,
        id,
        replyTo,
        timestamp: 1,
        args: args.map((value) => Value.create({ argValue: { $case: 'stringValue', value: String(value) } })),
      }),
    );
  const ask = (method: string, args?: readonly unknown[], headers?: Record<string, string>) =>
    stage.ask('module.Test.Registry.rpc', request(method, args, 2n ** 64n - 1n), headers);

  it('are answered in OpenTera’s JSON, the id as digits', async () => {
    expect(await ask('greet', ['Ana'])).to.equal(
      '{"method": "greet", "id": 18446744073709551615, "pattern": "module.Test.Registry.rpc", "status": "OK", "return_value": "Hello Ana"}',
    );
  });

  for (const method of ['constructor', '__proto__', 'toString', 'then', '', 'hasOwnProperty']) {
    it(`of '${method}' are answered UNIMPLEMENTED`, async () => {
      const { status, return_value, error } = JSON.parse(await ask(method));
      expect([status, return_value, error.code, error.reason]).to.deep.equal([
        'Error',
        null,
        'UNIMPLEMENTED',
        'TERABUS_RPC_METHOD_UNKNOWN',
      ]);
      expect(error.message).to.contain('its methods: greet, slow');
    });
  }

  it('with bytes that are no request are answered INVALID_ARGUMENT', async () => {
    const { method, id, error } = JSON.parse(await stage.ask('module.Test.Registry.rpc', new Uint8Array([0xff])));
    expect([method, id, error.reason]).to.deep.equal(['', 0, 'TERABUS_RPC_REQUEST']);
    expect(stage.eventsOf('bad-message')).to.have.length(1);
  });

  it('with bad arguments fail at once, and name the argument', async () => {
    const error = await rejection(asker.registry.greet(''));
    expect([error.code, error.reason]).to.deep.equal(['INVALID_ARGUMENT', 'TERABUS_RPC_ARGUMENTS']);
    const { error: remote } = JSON.parse(await ask('greet', ['a', 'b']));
    expect(remote.message).to.equal('greet takes 1 argument, got 2');
  });

  it('hand the error of a handler on, if it is a BusError', async () => {
    const error = await rejection(asker.registry.fail('bus'));
    expect(error.toJSON()).to.deep.equal({
      name: 'BusError',
      code: 'NOT_FOUND',
      reason: 'DEVICE_OFF',
      message: 'off',
      details: { uuid: 'u' },
    });
  });

  it('which a method answers with an error of the caller are no trouble in the log of the callee', async () => {
    await rejection(asker.registry.fail('bus'));
    const lines = stage.log.filter(({ msg }) => msg.includes('DEVICE_OFF'));
    expect(lines.map(({ level }) => level)).to.deep.equal([pino.levels.values['debug']]);
  });

  it('say of any other error no more than an id, which is in the log', async () => {
    const error = await rejection(asker.registry.fail('error'));
    expect([error.code, error.reason]).to.deep.equal(['INTERNAL', 'TERABUS_HANDLER_FAILED']);
    expect(error.message).not.to.contain('1234');
    const id = error.details?.['errorId'];
    expect(error.message).to.contain(String(id));
    const line = stage.log.find(({ errorId }) => errorId === id);
    expect(JSON.stringify(line)).to.contain('1234').and.contain('RegistryService.fail');
  });

  it('answer a handler that rejects with nothing at all', async () => {
    expect((await rejection(asker.registry.fail('nothing'))).code).to.equal('INTERNAL');
  });

  it('of what nobody serves fail at once', async () => {
    const error = await rejection(asker.nowhere.ping());
    expect([error.code, error.reason]).to.deep.equal(['UNAVAILABLE', 'TERABUS_NO_RESPONDERS']);
    expect(error.message).to.contain('nobody serves module.Test.Nowhere.rpc');
  });

  it('whose result is another than the contract says fail', async () => {
    expect((await rejection(asker.registry.wrong())).reason).to.equal('TERABUS_RPC_RESULT');
  });

  it('whose answer is too large to be sent fail at once, and do not run into their deadline', async () => {
    const error = await rejection(asker.registry.large());
    expect(error.reason).to.equal('TERABUS_RPC_RESULT');
    expect(error.message).to.contain('could not send its answer to "large"');
    expect(stage.clock.elapsed()).to.equal(0);
  });

  it('of a method whose name alone makes the answer too large are answered too, without it', async () => {
    const reply = await ask('\u0001'.repeat(3_000));
    expect(JSON.parse(reply as string)).to.deep.include({ method: '', status: 'Error' });
    for (const { msg } of stage.log) expect(msg).to.have.length.below(500);
  });

  it('end at their deadline, and the late answer is dropped', async () => {
    const call = asker.registry.slow('a', { timeoutMs: 300 });
    const failed = rejection(call);
    await stage.clock.advance(299);
    expect(registry.ran).to.deep.equal(['a']);
    await stage.clock.advance(1);
    const error = await failed;
    expect([error.code, error.reason]).to.deep.equal(['DEADLINE_EXCEEDED', 'TERABUS_RPC_TIMEOUT']);
    registry.open.get('a')?.();
    await stage.settle();
    expect(await asker.registry.greet('b')).to.equal('Hello b');
  });

  it('tell the callee their deadline, after which its signal aborts', async () => {
    const failed = rejection(asker.registry.slow('a', { timeoutMs: 300 }));
    await stage.clock.advance(100);
    const [context] = registry.contexts;
    expect(context?.remainingMs).to.equal(200);
    expect(context?.signal.aborted).to.equal(false);
    await stage.clock.advance(200);
    expect([context?.remainingMs, context?.signal.aborted]).to.deep.equal([0, true]);
    await failed;
  });

  it('have the deadline of their contract where the call names none', async () => {
    const failed = rejection(asker.registry.slow('a'));
    await stage.clock.advance(999);
    expect(registry.contexts[0]?.remainingMs).to.equal(1);
    await stage.clock.advance(1);
    expect((await failed).reason).to.equal('TERABUS_RPC_TIMEOUT');
  });

  it('that expire in the queue are answered DEADLINE_EXCEEDED without being run', async () => {
    const first = asker.registry.slow('first', { timeoutMs: 4_000 });
    const answer = new Promise<string>((resolve) => {
      const headers = new Map([['Terabus-Timeout-Ms', '500']]);
      stage.client.request(
        { topic: 'module.Test.Registry.rpc', bytes: request('slow', ['second']), headers },
        (inbound) => resolve(BusError.is(inbound) ? inbound.message : new TextDecoder().decode(inbound.bytes)),
      );
    });
    await stage.clock.advance(600);
    registry.open.get('first')?.();
    await stage.settle();
    expect(await first).to.equal('first');
    expect(JSON.parse(await answer).error).to.deep.include({
      code: 'DEADLINE_EXCEEDED',
      message: "slow was not given to RegistryService.slow of module.Test.Registry: its caller's time was over by then",
    });
    expect(registry.ran).to.deep.equal(['first']);
  });

  it('through a context share what time is left', async () => {
    const timeouts: (string | undefined)[] = [];
    stage.broker.observe(({ kind, headers }) => {
      if (kind === 'request') timeouts.push(headers.get('Terabus-Timeout-Ms'));
    });
    const host = await stage.start(OtherService);
    const failed = rejection(host.service(OtherService).ask());
    await stage.clock.advance(700);
    await failed;
    expect(timeouts).to.deep.equal(['700', '700']);
  });

  it('can be many at once from one handler, without a warning of Node', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    const host = await stage.start(OtherService);
    expect(await host.service(OtherService).askMany(30)).to.equal('30');
    process.off('warning', onWarning);
    expect(warnings).to.deep.equal([]);
  });

  it('are cancelled by their signal', async () => {
    const controller = new AbortController();
    const failed = rejection(asker.registry.slow('a', { signal: controller.signal }));
    await stage.settle();
    controller.abort(new Error('no longer'));
    expect((await failed).code).to.equal('CANCELLED');
    expect((await rejection(asker.registry.slow('b', { signal: controller.signal }))).code).to.equal('CANCELLED');
    expect(registry.ran).to.deep.equal(['a']);
  });

  it('with options that make no sense are rejections, never thrown', async () => {
    const { greet } = asker.registry as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const args of [
      ['a', 7],
      ['a', {}, 'more'],
      ['a', { timeoutMs: 0 }],
      ['a', { timeoutMs: Number.NaN }],
      ['a', { timeoutMs: '5' }],
      ['a', { timeout: 5 }],
      ['a', { signal: null }],
      ['a', { signal: {} }],
    ]) {
      expect((await rejection(greet?.(...args) as Promise<unknown>)).reason).to.equal('TERABUS_RPC_ARGUMENTS');
    }
    expect(stage.clock.pendingTimers).to.equal(0);
    expect((await rejection(greet?.('a', { headers: { 'Nats-X': '1' } }) as Promise<unknown>)).reason).to.equal(
      'TERABUS_HEADER_INVALID',
    );
  });

  it('are told to observers at both ends', async () => {
    await asker.registry.greet('Ana');
    expect(stage.eventsOf('called')).to.deep.include.members([
      {
        kind: 'called',
        service: 'service.Asker',
        topic: 'module.Test.Registry.rpc',
        method: 'greet',
        args: ['Ana'],
        result: 'Hello Ana',
        durationMs: 0,
        attempts: 1,
        error: undefined,
      },
    ]);
    expect(stage.eventsOf('handled')[0]).to.deep.include({ type: 'greet', message: ['Ana'], error: undefined });
  });

  it('of Redis clients are answered at their reply_to, and nowhere else', async () => {
    const answers: string[] = [];
    const client = 'RedisRPCClient.33333333-3333-4333-8333-333333333333';
    for (const replyTo of [client, 'RedisRPCClient.evil', '$JS.API.STREAM.DELETE.X', `${client}.x`]) {
      await stage.client.subscribe(replyTo.startsWith('$') ? '%24JS.>' : replyTo, {}, ({ topic }) =>
        answers.push(topic),
      );
      await stage.client.publish({ topic: 'module.Test.Registry.rpc', bytes: request('greet', ['a'], 0n, replyTo) });
    }
    await stage.settle();
    expect(answers).to.deep.equal([client]);
  });
});

const Other = defineModule('Test.Other', {
  rpc: {
    relay: rpc({ args: [], returns: z.string(), timeoutMs: 700 }),
    many: rpc({ args: [z.int()], returns: z.string() }),
  },
});
@Service(Other, { uses: [Registry] })
class OtherService extends TeraService {
  @Rpc(Other.rpc.relay)
  relay(context: RpcContext) {
    return context.client(Registry).slow('nested', { timeoutMs: 60_000 });
  }
  @Rpc(Other.rpc.many)
  async many(count: number, context: RpcContext) {
    const { greet } = context.client(Registry);
    const answers = await Promise.all(Array.from({ length: count }, () => greet('Ana')));
    return String(answers.length);
  }
  askMany(count: number) {
    return this.client(Other).many(count);
  }
  ask() {
    return this.client(Other).relay();
  }
}
