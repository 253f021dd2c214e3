import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  BusError,
  Clock,
  contractOf,
  defineModule,
  defineService,
  defineTopic,
  OnEvent,
  OnMessage,
  OnPayload,
  Rpc,
  type RpcContext,
  rpc,
  Service,
  TeraService,
  type TrackedContext,
  uuid,
} from '@terabus/core';
import { DeviceEvent, SessionEvent, StopSessionEvent, UserEvent } from '@terabus/messages';
import { expect, use } from 'chai';
import { inject } from 'inversify';
import { afterEach, describe, it } from 'mocha';
import { z } from 'zod';
import { terabusAssertions } from '../assertions.js';
import { type Harness, type HarnessOptions, startHarness, stub } from './index.js';

use(terabusAssertions);

const ANA = '11111111-1111-4111-8111-111111111111';
const BEN = '22222222-2222-4222-8222-222222222222';

const Accounts = defineModule('Test.Accounts', {
  events: { types: [UserEvent], suffix: '{table}' },
  messages: { types: [UserEvent] },
  rpc: {
    name_of: rpc({ args: [uuid], returns: z.string().nullable() }),
    /** A name that the base class has as well. */
    publish: rpc({ args: [], returns: z.void() }),
  },
});
const room = defineTopic('room.{key}', { wrapper: 'text' });
const Greeter = defineModule('Test.Greeter', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [UserEvent, DeviceEvent, SessionEvent] },
  rpc: { greet: rpc({ args: [uuid, z.string().optional()], returns: z.string() }) },
});
const Helper = defineService('Test.Helper', { rpc: { help: rpc({ args: [], returns: z.void() }) } });

@Service(Greeter, { uses: [Accounts, room, Greeter.events] })
class GreeterService extends TeraService {
  constructor(@inject(Clock) private readonly time: Clock) {
    super();
  }

  @OnMessage(Greeter.messages, UserEvent)
  async onUser(event: UserEvent, context: TrackedContext) {
    const userFullname = (await context.client(Accounts).name_of(event.userUuid)) ?? 'nobody';
    await context.publish(Greeter.events, { ...event, userFullname });
    await context.send(Accounts.messages, event);
  }

  /** A device waits as many milliseconds as its name says. */
  @OnMessage(Greeter.messages, DeviceEvent)
  async onDevice({ deviceName }: DeviceEvent) {
    await new Promise<void>((resolve) => this.time.setTimer(Number(deviceName), resolve));
  }

  @OnMessage(Greeter.messages, SessionEvent)
  onSession(_event: SessionEvent) {
    throw new RangeError('no session here');
  }

  @OnEvent(Accounts.events.all, UserEvent)
  async onAccount(_event: UserEvent) {
    this.logger.info({ lines: (await readFile(fileURLToPath(import.meta.url), 'utf8')).split('\n').length }, 'read');
    await this.publish(room({ key: 'hall' }), 'somebody new');
  }

  @OnPayload(room.all)
  onRoom(_text: string) {}

  @Rpc(Greeter.rpc.greet)
  greet(id: string, word: string | undefined, context: RpcContext) {
    return `${word ?? 'Hello'} ${id.slice(0, 4)} ${context.callId}`;
  }

  helper() {}
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('it did not fail'),
    (error) => error,
  );
}

describe('a harness', () => {
  const started: Harness[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((harness) => harness.stop()));
  });

  async function start(options: Partial<HarnessOptions> = {}) {
    const accounts = stub(Accounts, { name_of: (id) => (id === ANA ? 'Ana' : null) });
    const harness = await startHarness({ services: [GreeterService], stubs: [accounts], ...options });
    started.push(harness);
    return { harness, accounts };
  }

  it('runs a service and tells what it got, asked, published and sent', async () => {
    const { harness, accounts } = await start();
    await harness.send(Greeter.messages, UserEvent.create({ userUuid: ANA }));
    await harness.send(Greeter.messages, UserEvent.create({ userUuid: BEN }));
    await harness.idle();

    const received = harness.received(GreeterService, 'onUser');
    expect(received.map(({ message, outcome }) => [message.userUuid, outcome])).to.deep.equal([
      [ANA, 'succeeded'],
      [BEN, 'succeeded'],
    ]);
    expect(harness.published(Greeter.events, UserEvent).map(({ userFullname }) => userFullname)).to.deep.equal([
      'Ana',
      'nobody',
    ]);
    expect(harness.published(Greeter.events, DeviceEvent)).to.deep.equal([]);
    expect(harness.sent(Accounts.messages)[0]).to.equalMessage(UserEvent.create({ userUuid: ANA }));
    expect(harness.calls(Accounts.rpc.name_of).map(({ args, result }) => [args[0], result])).to.deep.equal([
      [ANA, 'Ana'],
      [BEN, null],
    ]);
    expect(accounts.calls('name_of')).to.deep.equal([[ANA], [BEN]]);
    expect(accounts.messages.map(({ userUuid }) => userUuid)).to.deep.equal([ANA, BEN]);
  });

  it('tells what the services said to a topic or pattern, and nothing of what the test said', async () => {
    const { harness } = await start();
    const event = UserEvent.create({ userUuid: ANA });
    await harness.publish(Accounts.events({ table: 'user' }), event);
    await harness.publish(Greeter.events, event);
    await harness.idle();
    expect(harness.published(room.all)).to.deep.equal(['somebody new']);
    expect(harness.published(room({ key: 'hall' }))).to.deep.equal(['somebody new']);
    expect(harness.published(room({ key: 'cellar' }))).to.deep.equal([]);
    expect(harness.published(Greeter.events)).to.deep.equal([]);
    expect(harness.published(Accounts.events.all)).to.deep.equal([]);
  });

  it('waits for real work, such as a file, and for what follows from it', async () => {
    const { harness } = await start();
    await harness.publish(Accounts.events({ table: 'user' }), UserEvent.create());
    await harness.idle();
    expect(harness.received(GreeterService, 'onAccount')[0]?.outcome).to.equal('succeeded');
    expect(harness.received(GreeterService, 'onRoom').map(({ message }) => message)).to.deep.equal(['somebody new']);
  });

  it('calls methods by their types, and keeps the arguments that they got', async () => {
    const { harness } = await start();
    expect(await harness.client(Greeter).greet(ANA)).to.equal('Hello 1111 1');
    expect(await harness.client(Greeter).greet(BEN, 'Salut')).to.equal('Salut 2222 2');
    const received = harness.received(GreeterService, 'greet');
    const args: readonly [string, string | undefined] | undefined = received[1]?.args;
    expect(args).to.deep.equal([BEN, 'Salut']);
    expect(received.map(({ message }) => message)).to.deep.equal([ANA, BEN]);
  });

  it('keeps calls whose arguments are bad: the method never ran', async () => {
    const { harness } = await start();
    const Mistaken = defineModule('Test.Greeter', { rpc: { greet: rpc({ args: [z.string()], returns: z.string() }) } });
    expect(await failure(harness.client(Mistaken).greet('no uuid'))).to.be.busError('TERABUS_RPC_ARGUMENTS');
    await harness.idle();
    expect(harness.received(GreeterService, 'greet').map(({ outcome }) => outcome)).to.deep.equal(['failed']);
  });

  it('keeps the errors of handlers, with what they threw, and their lines of log', async () => {
    const { harness } = await start();
    await harness.send(Greeter.messages, StopSessionEvent.create({ sessionUuid: 'S' }));
    await harness.idle();
    const [handling] = harness.received(GreeterService, 'onSession');
    expect(handling).to.have.property('outcome', 'failed');
    expect(handling?.error).to.be.busError('TERABUS_HANDLER_FAILED', 'no session here');
    expect(handling?.error?.cause).to.be.instanceOf(RangeError);
    const [line] = harness.logs.filter(({ level }) => level === 'error');
    expect(line).to.include({ handler: 'GreeterService.onSession', service: Greeter.address });
    expect(line?.msg).to.contain('no session here');
  });

  it('moves time only when told to', async () => {
    const { harness } = await start();
    await harness.send(Greeter.messages, DeviceEvent.create({ deviceName: '5000' }));
    await harness.clock.advance(4_999);
    expect(harness.received(GreeterService, 'onDevice')[0]?.outcome).to.equal('running');
    await harness.clock.advance(1);
    await harness.idle();
    expect(harness.received(GreeterService, 'onDevice')[0]?.outcome).to.equal('succeeded');
  });

  it('names the handler that is stuck: with its message, its age, what waits behind it, and the timers', async () => {
    const { harness } = await start({ patienceMs: 20 });
    await harness.send(Greeter.messages, DeviceEvent.create({ deviceName: '5000' }));
    await harness.send(Greeter.messages, StopSessionEvent.create());
    await harness.clock.advance(300);
    const error = await failure(harness.idle());
    expect(error).to.be.busError('HARNESS_STUCK');
    expect(error.message)
      .to.contain('GreeterService.onDevice of module.Test.Greeter on opentera.protobuf.DeviceEvent')
      .and.to.contain('for 300 ms of virtual time')
      .and.to.contain('"deviceName":"5000"')
      .and.to.contain('GreeterService.onSession has 1 more waiting')
      .and.to.contain('due in 200, 4700, 29700')
      .and.to.not.contain('onDevice has');
    await harness.clock.advance(4_700);
    await harness.idle();
    expect(harness.received(GreeterService, 'onSession')).to.have.lengthOf(1);
  });

  it('counts a handler as ended when it ran out of time, but not what waits behind it', async () => {
    const { harness } = await start({ patienceMs: 20 });
    await harness.send(Greeter.messages, DeviceEvent.create({ deviceName: '100000000' }));
    await harness.clock.advance(30_000);
    await harness.idle();
    expect(harness.received(GreeterService, 'onDevice')[0]?.error).to.be.busError('TERABUS_HANDLER_TIMEOUT');
    await harness.send(Greeter.messages, StopSessionEvent.create());
    expect((await failure(harness.idle())).message).to.contain('GreeterService.onSession has 1 more waiting');
    await harness.clock.advance(30_000);
    await harness.idle();
    expect(harness.received(GreeterService, 'onSession')).to.have.lengthOf(1);
  });

  it('fakes other senders: their names, numbers and epochs', async () => {
    const EPOCH = { a: '01JGFJJZ00000000000000000A', b: '01JGFJJZ00000000000000000B' };
    const { harness } = await start();
    const from = (options: Parameters<typeof harness.send>[2]) =>
      harness.send(Greeter.messages, StopSessionEvent.create(), options);
    await harness.send(Greeter.messages, StopSessionEvent.create());
    await from({ source: 'websocket.device.x' });
    await from({ source: 'module.Other', seq: 5, epoch: EPOCH.a });
    await from({ source: 'module.Other', seq: 8, epoch: EPOCH.a });
    await from({ source: 'module.Other', seq: 8, epoch: EPOCH.a });
    await from({ source: 'module.Other', seq: 1, epoch: EPOCH.b });
    await harness.idle();
    const contexts = harness
      .received(GreeterService, 'onSession')
      .map(({ context }) => context as unknown as TrackedContext);
    expect(contexts.map(({ source, seq, verdict }) => `${source} ${seq} ${verdict.kind} ${verdict.missing}`)).to.eql([
      'service.Harness 1 first 0',
      'websocket.device.x 0 untracked 0',
      'module.Other 5 first 0',
      'module.Other 8 gap 2',
      'module.Other 1 restart 0',
    ]);
  });

  it('refuses an epoch that nobody would take for one', async () => {
    const { harness } = await start();
    const sending = harness.send(Greeter.messages, StopSessionEvent.create(), { seq: 1, epoch: 'A' });
    expect(await failure(sending)).to.be.busError('TERABUS_OPTIONS_INVALID', 'an epoch is a ULID');
  });

  it('shows nothing of heartbeats', async () => {
    const telling = defineModule('Test.Telling', { messages: { types: [UserEvent] } });
    @Service(defineService('Test.Teller', {}), { uses: [telling] })
    class Teller extends TeraService {
      tell = () => this.send(telling.messages, UserEvent.create());
    }
    await using harness = await startHarness({ services: [Teller] });
    await harness.service(Teller).tell();
    await harness.clock.advance(60_000);
    const wide = defineTopic('module.Test.Telling.{a}.{b}', { wrapper: 'bytes' });
    expect(harness.sent(telling.messages)).to.have.lengthOf(1);
    expect(harness.published(wide.all)).to.have.lengthOf(0);
  });

  it('takes the link of the services away, and gives it back', async () => {
    @Service(defineService('Test.Caller', {}), { uses: [room] })
    class Caller extends TeraService {
      say = (text: string) => this.publish(room({ key: 'hall' }), text);
    }
    const unconfirmed: string[] = [];
    await using harness = await startHarness({
      services: [Caller],
      observers: [(event) => event.kind === 'unconfirmed' && unconfirmed.push(event.topic)],
    });
    await harness.service(Caller).say('on its way');
    harness.interrupt();
    expect(unconfirmed).to.deep.equal([room({ key: 'hall' }).name]);
    expect(await failure(harness.service(Caller).say('no link'))).to.be.busError('TERABUS_DISCONNECTED');
    // The test has its own.
    await harness.publish(room({ key: 'hall' }), 'hello?');
    await harness.idle();
    harness.restore();
    await harness.service(Caller).say('back');
    expect(harness.published(room.all)).to.deep.equal(['on its way', 'back']);
  });

  it('puts any bytes on the bus', async () => {
    const { harness } = await start();
    await harness.publishBytes(Greeter.messages, Buffer.from('no message'));
    await harness.publishBytes('room.cellar', Buffer.from('text'), { any: 'header' });
    await harness.idle();
    expect(harness.logs.map(({ msg }) => msg).join()).to.contain("can't be given a message (module-message)");
    const [handling] = harness.received(GreeterService, 'onRoom');
    expect(handling?.context.headers.get('any')).to.equal('header');
  });

  it('calls and publishes whatever it likes: a missing callee is no missing declaration', async () => {
    const { harness } = await start();
    expect(await failure(harness.client(Helper).help())).to.be.busError('TERABUS_NO_RESPONDERS');
  });

  it('says which methods handle something when asked for one that does not', async () => {
    const { harness } = await start();
    expect(() => harness.received(GreeterService, 'helper')).to.throw('helper handles nothing; handlers are onUser');
  });

  it('stops a handler that is stuck, and reports it', async () => {
    const { harness } = await start({ patienceMs: 20 });
    await harness.send(Greeter.messages, DeviceEvent.create({ deviceName: '100000000' }));
    await harness.clock.advance(0);
    expect(await harness.stop()).to.deep.equal({ running: 1, waiting: 0, error: undefined });
    expect(harness.received(GreeterService, 'onDevice')[0]?.outcome).to.equal('cut-off');
    expect(harness.clock.pendingTimers).to.equal(1);
    expect(await failure(harness.publish(room({ key: 'hall' }), ''))).to.be.busError('TERABUS_CLOSED');
  });

  it('names the service that never comes to the end of its start', async () => {
    const Sleeper = defineService('Test.Sleeper', {});
    let signalled = false;
    @Service(Sleeper)
    class SleeperService extends TeraService {
      protected override onStart(signal: AbortSignal) {
        signal.addEventListener('abort', () => {
          signalled = true;
        });
        return new Promise<void>((resolve) => this.clock.setTimer(1_000, resolve));
      }
    }
    const error = await failure(startHarness({ services: [SleeperService], patienceMs: 20 }));
    expect(error).to.be.busError('HARNESS_STUCK', 'SleeperService is in onStart, and nothing has moved for 20 ms');
    expect(signalled).to.equal(true);
  });

  it('is disposed of at the end of a block', async () => {
    let kept: Harness;
    {
      await using harness = await startHarness({ services: [GreeterService] });
      kept = harness;
    }
    expect(await failure(kept.idle())).to.be.busError('TERABUS_CLOSED');
  });

  it('gives up on services that answer each other without end', async function () {
    this.timeout(60_000);
    const ping = defineTopic('ping', { wrapper: 'text' });
    const Endless = defineService('Test.Endless', {});
    @Service(Endless, { uses: [ping] })
    class EndlessService extends TeraService {
      @OnPayload(ping)
      async onPing(text: string) {
        await this.publish(ping, text);
      }
    }
    const { harness } = await start({ services: [EndlessService], patienceMs: 20 });
    await harness.publish(ping, 'x');
    expect((await failure(harness.idle())).message)
      .to.contain('without end')
      .and.to.contain('EndlessService.onPing');
  });
});

describe('a stub', () => {
  async function withStub(answers: Parameters<typeof stub<typeof Accounts>>[1]) {
    const accounts = stub(Accounts, answers);
    return { accounts, harness: await startHarness({ services: [GreeterService], stubs: [accounts] }) };
  }

  it('tells a caller of a method without answer who forgot it', async () => {
    const { accounts, harness } = await withStub({});
    const error = await harness
      .client(Accounts)
      .name_of(ANA)
      .catch((thrown) => thrown);
    expect(error).to.include({ code: 'UNIMPLEMENTED', reason: 'STUB_UNANSWERED' });
    expect(error.message).to.contain("the stub of module.Test.Accounts has no answer for 'name_of'");
    expect(accounts.calls('name_of')).to.deep.equal([[ANA]]);
    await harness.stop();
  });

  it('fails as its answer does, and answers otherwise when the test changes it', async () => {
    const { accounts, harness } = await withStub({
      name_of: () => {
        throw new BusError('the database sleeps', { code: 'UNAVAILABLE' });
      },
    });
    const { name_of } = harness.client(Accounts);
    expect(await name_of(ANA).catch((error) => error.code)).to.equal('UNAVAILABLE');
    accounts.answers.name_of = async (_id, context) => `call ${context.callId}`;
    expect(await name_of(ANA)).to.equal('call 2');
    await harness.stop();
  });

  it('has methods of any name, and is held to the contract as a service is', async () => {
    const { harness } = await withStub({
      publish: () => undefined,
      // @ts-expect-error a number is no name
      name_of: () => 7,
    });
    await harness.client(Accounts).publish();
    expect(
      await harness
        .client(Accounts)
        .name_of(ANA)
        .catch((error) => error),
    ).to.be.busError('TERABUS_RPC_RESULT');
    await harness.stop();
  });

  it('finds no answer where nobody gave one, though every object has something of that name', async () => {
    const Strange = defineService('Test.Strange', { rpc: { toString: rpc({ args: [], returns: z.string() }) } });
    const harness = await startHarness({ services: [GreeterService], stubs: [stub(Strange, {} as never)] });
    const error = await failure(harness.client(Strange).toString());
    expect(error).to.be.busError('STUB_UNANSWERED');
    await harness.stop();
  });

  it('is refused where the service itself is under test', async () => {
    const twin = startHarness({ services: [GreeterService], stubs: [stub(Greeter)] });
    expect(await twin.catch((error) => error)).to.be.busError('TERABUS_HOST_INVALID', "a stub can't stand in for it");
  });

  it('stands for contracts that offer nothing but events', async () => {
    const Quiet = defineService('Test.Quiet', { events: { types: [UserEvent] } });
    const quiet = stub(Quiet);
    const harness = await startHarness({ services: [GreeterService], stubs: [quiet] });
    expect(quiet.messages).to.deep.equal([]);
    expect(contractOf(GreeterService).contract).to.equal(Greeter);
    await harness.stop();
  });
});
