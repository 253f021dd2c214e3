import { BusError, DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import type { BusEvent, Host, Middleware, ServiceClass, Subscription } from '../index.js';
import {
  Bus,
  Clock,
  Config,
  defineModule,
  defineService,
  defineTopic,
  from,
  Logger,
  OnEvent,
  OnPayload,
  Rpc,
  rpc,
  Service,
  TeraService,
  Use,
} from '../index.js';
import { rejection, Stage, thrown } from './stage.spec.js';

const First = defineModule('Test.First', { rpc: { slow: rpc({ args: [], returns: z.string(), timeoutMs: 60_000 }) } });
const Second = defineService('Second', {});
const room = defineTopic('room', { wrapper: 'text' });
const echo = defineTopic('echo', { wrapper: 'text' });
const people = defineTopic('people', { wrapper: 'event', types: [UserEvent, DeviceEvent] });
const rooms = defineTopic('place.{room}', { wrapper: 'text' });
const floors = defineTopic('place.{floor}', { wrapper: 'text' });
const counted = defineTopic('counted', { wrapper: 'module-message', types: [UserEvent], tracked: true });

/** What happens, in order, for the service of a test to write down. */
let trail: string[] = [];
/** What a test lets a hook or a handler do. */
let act: Partial<Record<string, (service: OpenService, signal?: AbortSignal) => unknown>> = {};

abstract class OpenService extends TeraService {
  protected override onStart(signal: AbortSignal): unknown {
    return this.#did('start', signal);
  }
  protected override onReady(): unknown {
    return this.#did('ready');
  }
  protected override onDrain(): unknown {
    return this.#did('drain');
  }
  protected override onStop(): unknown {
    return this.#did('stop');
  }
  #did(hook: string, signal?: AbortSignal): unknown {
    const name = `${this.constructor.name} ${hook}`;
    trail.push(name);
    return act[name]?.(this, signal);
  }
  /** Its protected parts. */
  get my() {
    return this as unknown as {
      signal: AbortSignal;
      config: Config;
      clock: Clock;
      logger: Logger;
      every(ms: number, task: () => unknown): void;
      publish(topic: unknown, payload: unknown): Promise<void>;
      subscribe(...args: readonly unknown[]): Promise<Subscription>;
      client(contract: unknown): { slow(options?: object): Promise<string> };
    };
  }
}

@Service(First, { uses: [First, room, echo] })
class A extends OpenService {
  release: () => void = () => {};
  @Rpc(First.rpc.slow)
  async slow() {
    trail.push('A slow');
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
    await this.publish(echo, 'A finished');
    return 'done';
  }
}

@Service(Second, { uses: [room, echo, people, rooms, floors, counted, First] })
class B extends OpenService {
  @OnPayload(room)
  onRoom(text: string) {
    trail.push(`B hears ${text}`);
    return act['B room']?.(this);
  }
}

describe('the life of a host', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    act = {};
  });
  afterEach(() => {
    act = {};
    return stage.end();
  });
  const say = async (text: string, topic = 'room') => {
    await stage.client.publish({ topic, bytes: new TextEncoder().encode(text) });
    await stage.settle();
  };
  const messages = () => stage.log.map(({ msg }) => msg).join('\n');

  it('starts services in order, is ready when all are subscribed, and stops them in reverse', async () => {
    const host = await stage.start([A, B]);
    expect(host.state).to.equal('running');
    expect(trail).to.deep.equal(['A start', 'B start', 'A ready', 'B ready']);
    trail = [];
    expect(await host.stop()).to.deep.equal({ running: 0, waiting: 0, error: undefined });
    expect(trail).to.deep.equal(['A drain', 'B drain', 'B stop', 'A stop']);
    expect(host.state).to.equal('stopped');
    expect(stage.clock.pendingTimers).to.equal(0);
  });

  it('stops once, however often it is asked', async () => {
    const host = await stage.start(A);
    expect(host.stop()).to.equal(host.stop());
    expect(await host.stop()).to.equal(await host.stopped);
    expect(trail.filter((line) => line === 'A stop')).to.have.length(1);
  });

  describe('that fails at its start', () => {
    async function failure(services: ServiceClass | readonly ServiceClass[], options = {}) {
      const transport = stage.broker.connect();
      const error = rejection(stage.start(services, { transport, ...options }));
      await stage.clock.advance(60_000);
      const known = await error;
      expect(await transport.closed).to.equal(undefined);
      expect(stage.clock.pendingTimers).to.equal(0);
      return known;
    }

    for (const hook of ['start', 'ready'] as const) {
      it(`in on${hook === 'start' ? 'Start' : 'Ready'} names the class, and stops what was started`, async () => {
        act[`B ${hook}`] = () => Promise.reject(new Error('no database'));
        const error = await failure([A, B]);
        expect(error.reason).to.equal('TERABUS_START_FAILED');
        expect(error.rawMessage).to.equal(`B failed in on${hook === 'start' ? 'Start' : 'Ready'}: no database`);
        const ending = trail.filter((line) => /drain|stop/.test(line));
        // A service that nobody could have reached yet has nothing to drain.
        expect(ending).to.deep.equal(
          hook === 'start' ? ['B stop', 'A stop'] : ['A drain', 'B drain', 'B stop', 'A stop'],
        );
      });
    }
    it('in a constructor names the class', async () => {
      @Service(Second)
      class Explosive extends TeraService {
        constructor() {
          super();
          throw new Error('boom');
        }
      }
      const error = await failure([A, Explosive]);
      expect(error.rawMessage).to.equal('Explosive could not be built: boom');
      expect(trail).to.deep.equal(['A start', 'A stop']);
    });
    it('at a part that nobody binds names the class', async () => {
      @Service(Second)
      class Needy extends TeraService {
        constructor(@inject('Database') readonly database: unknown) {
          super();
        }
      }
      const error = await failure(Needy);
      expect(error.rawMessage).to.contain('Needy could not be built').and.contain('Database');
    });
    it('because a constructor uses the bus says so', async () => {
      @Service(Second, { uses: [First] })
      class Hasty extends TeraService {
        constructor() {
          super();
          this.client(First);
        }
      }
      const error = await failure(Hasty);
      expect(error.rawMessage).to.contain(
        'Hasty could not be built: Hasty uses the bus before its host has attached it',
      );
      expect((error.cause as BusError).reason).to.equal('TERABUS_NOT_STARTED');
    });
    it('because it takes too long starts nothing more, also when the slow hook ends after all', async () => {
      let end = () => {};
      let aborted = false;
      act['A start'] = (_, signal) => {
        signal?.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      };
      const error = await failure([A, B], { startTimeoutMs: 500 });
      expect(error.rawMessage).to.equal('the services were not started within 500 ms: A is in onStart');
      expect(aborted).to.equal(true);
      end();
      await stage.settle();
      expect(trail).not.to.include('B start');
    });
    it('says why, even when the transport can’t be closed', async () => {
      act['A start'] = () => Promise.reject(new Error('no database'));
      const transport = stage.broker.connect();
      const broken = new Proxy(transport, {
        get: (target, name) => {
          if (name === 'close') return () => Promise.reject(new Error('no close'));
          const value = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const error = await rejection(stage.start(A, { transport: broken }));
      expect(error.rawMessage).to.contain('no database');
    });
  });

  it('refuses the bus to a part that uses it in its constructor', async () => {
    let early: Promise<unknown> | undefined;
    let call: unknown;
    @injectable()
    class Part {
      constructor(@inject(Bus) bus: Bus) {
        early = rejection(bus.publish(room, 'too early'));
        call = thrown(() => bus.client(First));
      }
    }
    @Service(defineService('Third', {}), { uses: [room, First] })
    class C extends TeraService {
      constructor(@inject(Part) readonly part: Part) {
        super();
      }
    }
    await stage.start(C);
    expect(((await early) as BusError).reason).to.equal('TERABUS_NOT_STARTED');
    expect((call as BusError).reason).to.equal('TERABUS_NOT_STARTED');
  });

  describe('and its containers', () => {
    @injectable()
    class Part {
      constructor(
        @inject(Bus) readonly bus: Bus,
        @inject(Logger) readonly logger: Logger,
        @inject(Clock) readonly clock: Clock,
        @inject(Config) readonly config: Config,
      ) {}
    }
    abstract class Holder extends TeraService {
      constructor(
        @inject(Part) readonly part: Part,
        @inject(Part) readonly same: Part,
        @inject('shared') readonly shared: object,
      ) {
        super();
      }
    }
    @Service(defineService('Left', {}), { uses: [room] })
    class Left extends Holder {}
    @Service(defineService('Right', {}))
    class Right extends Holder {}

    it('give each service its own bus, logger and parts, and share what the application binds', async () => {
      const container = new Container();
      container.bind('shared').toConstantValue({});
      const host = await stage.start([Left, Right], { container, config: { a: 1 } });
      const [left, right] = [host.service(Left), host.service(Right)];
      expect(left.part).to.equal(left.same);
      expect(left.part).not.to.equal(right.part);
      expect(left.shared).to.equal(right.shared);
      expect(left.part.clock).to.equal(stage.clock);
      expect(left.part.config).to.deep.equal({ a: 1 });
      await left.part.bus.publish(room, 'x');
      expect((await rejection(right.part.bus.publish(room, 'x'))).message).to.contain('Right publishes to');
      left.part.logger.info('hello');
      expect(stage.log.at(-1)).to.deep.include({ msg: 'hello', service: 'service.Left' });
    });
    it('take a class that the application has bound from where it is bound', async () => {
      const container = new Container();
      container.bind('shared').toConstantValue({});
      const bound = {};
      container.bind(Part).toConstantValue(bound as Part);
      const host = await stage.start([Left], { container });
      expect(host.service(Left).part).to.equal(bound);
    });
  });

  describe('while it drains', () => {
    it('answers calls that were handed to it, sends what their handlers publish, and refuses new ones', async () => {
      const heard: string[] = [];
      await stage.client.subscribe('echo', {}, ({ bytes }) => heard.push(new TextDecoder().decode(bytes)));
      const host = await stage.start(A);
      const other = await stage.start(B);
      const call = other.service(B).my.client(First).slow();
      await stage.settle();
      const stopped = host.stop();
      expect(host.state).to.equal('draining');
      await stage.settle();
      expect((await rejection(other.service(B).my.client(First).slow())).reason).to.equal('TERABUS_NO_RESPONDERS');
      host.service(A).release();
      expect(await call).to.equal('done');
      expect(await stopped).to.deep.include({ running: 0, waiting: 0 });
      expect(heard).to.deep.equal(['A finished']);
    });

    it('cuts off what does not end in time: calls are answered, signals abort, report and log say so', async () => {
      @Service(First, { uses: [echo], rpc: { concurrency: 1 } })
      class One extends A {}
      const host = await stage.start(One, { drainTimeoutMs: 500 });
      const client = (await stage.start(B)).service(B).my.client(First);
      const calls = [rejection(client.slow()), rejection(client.slow())];
      await stage.settle();
      const stopped = host.stop();
      await stage.clock.advance(500);
      expect(await stopped).to.deep.equal({ running: 1, waiting: 1, error: undefined });
      const errors = await Promise.all(calls);
      expect(errors.map(({ code, reason }) => `${code} ${reason}`)).to.deep.equal([
        'UNAVAILABLE TERABUS_DRAINING',
        'UNAVAILABLE TERABUS_DRAINING',
      ]);
      expect(errors[1]?.rawMessage).to.contain('was never given to');
      expect(stage.eventsOf('cut-off')).to.have.length(1);
      expect(messages()).to.contain('the time for the drain was over: work was cut off');
    });

    it('goes on whatever its hooks throw', async () => {
      act = Object.fromEntries(
        ['A drain', 'A stop', 'B stop'].map((hook) => [hook, () => Promise.reject(new Error(hook))]),
      );
      const host = await stage.start([A, B]);
      await host.stop();
      expect(trail.slice(-4)).to.deep.equal(['A drain', 'B drain', 'B stop', 'A stop']);
      expect(messages()).to.contain('A.onDrain failed').and.contain('A.onStop failed');
    });

    it('waits for no hook for ever', async () => {
      act['A drain'] = () => new Promise(() => {});
      act['B stop'] = () => new Promise(() => {});
      const host = await stage.start([A, B], { drainTimeoutMs: 500 });
      const stopped = host.stop();
      await stage.clock.advance(500 + 2_000);
      await stopped;
      expect(trail).to.include('A stop');
      expect(messages()).to.contain('B.onStop took too long');
    });

    it('lets its last hooks publish', async () => {
      const heard: string[] = [];
      await stage.client.subscribe('room', {}, ({ bytes }) => heard.push(new TextDecoder().decode(bytes)));
      act['B stop'] = (service) => service.my.publish(room, 'farewell');
      const host = await stage.start([B]);
      await host.stop();
      await stage.settle();
      expect(heard).to.deep.equal(['farewell']);
    });

    it('takes no new subscription', async () => {
      let refused: Promise<BusError> | undefined;
      act['B drain'] = (service) => {
        refused = rejection(service.my.subscribe(echo, () => {}));
      };
      await (await stage.start(B)).stop();
      expect((await refused)?.reason).to.equal('TERABUS_DRAINING');
    });
  });

  it('ends with the reason when the transport is gone, without waiting', async () => {
    const host = await stage.start(A);
    await stage.broker.close(new BusError('the server went away', { code: 'UNAVAILABLE' }));
    const report = await host.stopped;
    expect(report.error?.rawMessage).to.equal('the server went away');
    expect(host.state).to.equal('stopped');
    expect(trail).to.include('A stop');
    expect(messages()).to.contain('nobody had asked for it');
  });

  it('ends with the reason when the transport goes while it drains', async () => {
    const host = await stage.start(A);
    const other = await stage.start(B);
    const call = rejection(other.service(B).my.client(First).slow());
    await stage.settle();
    const stopped = host.stop();
    await stage.settle();
    await stage.broker.close(new BusError('the server went away', { code: 'UNAVAILABLE' }));
    expect((await stopped).error?.rawMessage).to.equal('the server went away');
    await call;
  });

  describe('every', () => {
    let end: (() => void)[] = [];
    const ticking = async (ms: number, task: () => unknown): Promise<Host> => {
      act['B start'] = (service) => service.my.every(ms, task);
      return stage.start(B);
    };
    beforeEach(() => {
      end = [];
    });

    it('runs its task in a rhythm that starts when the task has ended', async () => {
      let count = 0;
      await ticking(100, () => {
        count += 1;
        return new Promise<void>((resolve) => end.push(resolve));
      });
      await stage.clock.advance(1_000);
      expect(count).to.equal(1);
      end[0]?.();
      await stage.clock.advance(100);
      expect(count).to.equal(2);
      end[1]?.();
    });
    it('logs what its task throws, and goes on', async () => {
      let count = 0;
      await ticking(100, () => {
        count += 1;
        throw new Error('tick');
      });
      await stage.clock.advance(300);
      expect(count).to.equal(3);
      expect(messages()).to.contain('B.every failed');
    });
    it('ends with the drain, which waits for the task that runs', async () => {
      let count = 0;
      const host = await ticking(100, () => {
        count += 1;
        return new Promise<void>((resolve) => end.push(resolve));
      });
      await stage.clock.advance(100);
      let stopped = false;
      const stopping = host.stop().then(() => {
        stopped = true;
      });
      await stage.clock.advance(5_000);
      expect([count, stopped]).to.deep.equal([1, false]);
      end[0]?.();
      await stopping;
      await stage.clock.advance(5_000);
      expect(count).to.equal(1);
    });
    it('can be used often, without a warning of Node', async () => {
      const warnings: string[] = [];
      const onWarning = ({ name }: Error) => warnings.push(name);
      process.on('warning', onWarning);
      act['B start'] = (service) => {
        for (let n = 0; n < 30; n++) service.my.every(100, () => {});
      };
      await stage.start(B);
      await stage.clock.advance(100);
      process.off('warning', onWarning);
      expect(warnings).to.deep.equal([]);
    });
    it('refuses intervals that are none', async () => {
      for (const ms of [0, -1, Number.NaN]) {
        act['B start'] = (service) => service.my.every(ms, () => {});
        expect((await rejection(stage.start(B))).message).to.contain('B.every takes an interval of at least 1 ms');
      }
    });
  });

  it('aborts the signal of its services when the drain begins', async () => {
    const host = await stage.start(B);
    const { signal } = host.service(B).my;
    expect(signal.aborted).to.equal(false);
    void host.stop();
    expect(signal.aborted).to.equal(true);
  });

  it('puts middlewares of the host around those of the class, around those of the method', async () => {
    const named =
      (name: string): Middleware =>
      (next) =>
      (message, context) => {
        trail.push(name);
        return next(message, context);
      };
    @Use(named('class'))
    @Service(Second)
    class Layered extends TeraService {
      @OnPayload(room)
      @Use(named('method'))
      onRoom() {
        trail.push('handler');
      }
    }
    await stage.start(Layered, { middlewares: [named('host 1'), named('host 2')] });
    await say('x');
    expect(trail).to.deep.equal(['host 1', 'host 2', 'class', 'method', 'handler']);
  });

  it('goes on when observers throw or reject', async () => {
    const seen: BusEvent[] = [];
    await stage.start(B, {
      observers: [
        () => {
          throw new Error('sync');
        },
        async () => {
          throw new Error('async');
        },
        (event) => seen.push(event),
      ],
    });
    await say('x');
    expect(seen.map(({ kind }) => kind)).to.deep.equal(['accepted', 'started', 'handled']);
    expect(messages().match(/an observer failed/g)).to.have.length(6);
  });

  describe('subscriptions', () => {
    const open = async (services: ServiceClass = B) => (await stage.start(services)).service(services) as OpenService;
    const hears = (name: string) => (text: string) => {
      trail.push(`${name} ${text}`);
    };

    it('take messages from when they are made to when they are stopped', async () => {
      const service = await open();
      trail = [];
      await say('before', 'echo');
      const subscription = await service.my.subscribe(echo, hears('sub'));
      await say('during', 'echo');
      await subscription.stop();
      await say('after', 'echo');
      expect(trail).to.deep.equal(['sub during']);
    });
    it('can be made again at once while the one before is being stopped', async () => {
      const service = await open();
      trail = [];
      const before = await service.my.subscribe(echo, hears('first'));
      const stopping = before.stop();
      await service.my.subscribe(echo, hears('second'));
      await stopping;
      await say('x', 'echo');
      expect(trail).to.deep.equal(['second x']);
    });
    it('of several types on one topic share what arrives, and each stops for itself', async () => {
      const service = await open();
      trail = [];
      const users = await service.my.subscribe(people, UserEvent, (event: UserEvent) =>
        hears('user')(event.userFullname),
      );
      const devices = await service.my.subscribe(people, DeviceEvent, (event: DeviceEvent) =>
        hears('device')(event.deviceName),
      );
      const send = (name: string) =>
        stage.event('people', [
          [UserEvent, UserEvent.create({ userFullname: name })],
          [DeviceEvent, DeviceEvent.create({ deviceName: name })],
        ]);
      await send('1');
      await users.stop();
      await send('2');
      await Promise.all([devices.stop(), users.stop()]);
      await send('3');
      expect(trail).to.deep.equal(['user 1', 'device 1', 'device 2']);
    });
    it('that stop at the same time leave nothing subscribed', async () => {
      const service = await open();
      const both = await Promise.all([
        service.my.subscribe(people, UserEvent, () => {}),
        service.my.subscribe(people, DeviceEvent, () => {}),
      ]);
      await Promise.all(both.map((each) => each.stop()));
      const receivers: number[] = [];
      stage.broker.observe((crossing) => receivers.push(crossing.receivers));
      await stage.event('people', [[UserEvent, UserEvent.create({})]]);
      expect(receivers).to.deep.equal([0]);
    });
    it('finish what they had taken before stop resolves', async () => {
      const service = await open();
      let release = () => {};
      const subscription = await service.my.subscribe(
        echo,
        () =>
          new Promise<void>((resolve) => {
            release = resolve;
          }),
      );
      await say('x', 'echo');
      let stopped = false;
      const stopping = subscription.stop().then(() => {
        stopped = true;
      });
      await stage.settle();
      expect(stopped).to.equal(false);
      release();
      await stopping;
    });
    it('stop on a topic that others keep busy', async () => {
      const service = await open();
      const send = (type: typeof UserEvent | typeof DeviceEvent) => stage.event('people', [[type, type.create({})]]);
      await service.my.subscribe(people, UserEvent, () => new Promise(() => {}));
      const devices = await service.my.subscribe(people, DeviceEvent, hears('device'));
      await send(UserEvent);
      await send(UserEvent);
      await devices.stop();
    });
    it('that are being stopped are part of the drain', async () => {
      const host = await stage.start(B);
      const subscription = await host.service(B).my.subscribe(echo, () => new Promise(() => {}));
      await say('x', 'echo');
      void subscription.stop();
      const stopping = host.stop();
      await stage.clock.advance(25_000);
      expect((await stopping).running).to.equal(1);
    });
    it('share the router of decorated handlers when they are made in onStart', async () => {
      @Service(Second, { uses: [people] })
      class Mixed extends OpenService {
        @OnEvent(people, DeviceEvent)
        onDevice() {
          trail.push('device');
        }
      }
      act['Mixed start'] = (service) => service.my.subscribe(people, UserEvent, () => trail.push('user'));
      await stage.start(Mixed);
      trail = [];
      for (let n = 0; n < 5; n++) {
        await stage.event('people', [
          [UserEvent, UserEvent.create({})],
          [DeviceEvent, DeviceEvent.create({})],
        ]);
      }
      expect(trail).to.deep.equal(Array.from({ length: 5 }, () => ['user', 'device']).flat());
    });

    const refused: [string, (service: OpenService) => Promise<unknown>, string][] = [
      ['a second handler', (service) => service.my.subscribe(room, () => {}), "both handle 'room'"],
      ['other options', (service) => service.my.subscribe(from(room, { concurrency: 2 }), () => {}), 'give different'],
      [
        'a second handler that every instance has',
        (service) => service.my.subscribe(from(room, { everyInstance: true }), () => {}),
        "both handle 'room'",
      ],
      [
        'another definition of the same topics',
        async (service) => {
          await service.my.subscribe(rooms.all, () => {});
          await service.my.subscribe(floors.all, () => {});
        },
        "handles 'place.{floor}', of which another handler of the class has a different definition",
      ],
      [
        'to share a tracked topic where there are many instances',
        (service) => service.my.subscribe(counted, UserEvent, () => {}),
        "would share 'counted', which is tracked",
      ],
      ['a type that is not carried', (service) => service.my.subscribe(echo, UserEvent, () => {}), "doesn't carry"],
      ['no type where there are types', (service) => service.my.subscribe(people, () => {}), "doesn't carry"],
    ];
    for (const [name, subscribe, expected] of refused) {
      it(`refuse ${name}`, async () => {
        const error = await rejection(subscribe(await open()));
        expect(error.reason).to.equal('TERABUS_SERVICE_INVALID');
        expect(error.rawMessage).to.contain(expected);
      });
    }
  });

  it('gives out the instances of its services, and names one that it has not', async () => {
    const host = await stage.start(A);
    expect(host.service(A)).to.be.instanceOf(A);
    expect(thrown(() => host.service(B)).rawMessage).to.equal('this host has no running B');
  });
});
