import { BusError, RPCMessage } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import { defineService, type HostOptions, Rpc, rpc, Service, TeraService } from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Inbound, Outbound, Transport, TransportHealth } from '../transport/index.js';

const Desk = defineService('Test.Desk', {
  rpc: {
    read: rpc({ args: [], returns: z.string(), idempotent: true, timeoutMs: 10_000 }),
    write: rpc({ args: [], returns: z.string() }),
  },
});
const Asker = defineService('Asker', {});

@Service(Desk)
class DeskService extends TeraService {
  readonly failures: unknown[] = [];
  ran = 0;

  @Rpc(Desk.rpc.read)
  read() {
    this.ran += 1;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return 'read';
  }
  @Rpc(Desk.rpc.write)
  write() {
    return this.read();
  }
}

@Service(Asker, { uses: [Desk] })
class AskerService extends TeraService {
  get desk() {
    return this.client(Desk);
  }
}

/** A link that breaks when the test says so. */
class Link {
  readonly requests: { readonly id: bigint; readonly timeoutMs: string | undefined; readonly at: number }[] = [];
  /** What the next requests come to; those beyond reach the callee. */
  readonly failures: BusError[] = [];
  state: TransportHealth['state'] = 'up';
  readonly transport: Transport;

  constructor(inner: Transport, now: () => number) {
    const request = (message: Outbound, settle: (answer: Inbound | BusError) => void) => {
      const { id } = RPCMessage.decode(message.bytes);
      this.requests.push({ id, timeoutMs: message.headers?.get('Terabus-Timeout-Ms'), at: now() });
      const failure = this.failures.shift();
      if (failure === undefined) return inner.request(message, settle);
      queueMicrotask(() => settle(failure));
      return () => {};
    };
    const own: Partial<Transport> = { request, health: () => ({ ...inner.health(), state: this.state }) };
    this.transport = new Proxy(inner, {
      get: (target, name) => {
        const member = Reflect.get(own, name) ?? Reflect.get(target, name);
        return typeof member === 'function' && !Object.hasOwn(own, name) ? member.bind(target) : member;
      },
    });
  }
}

const lost = () => new BusError('the link was lost', { reason: 'TERABUS_DISCONNECTED' });

describe('a call that fails', () => {
  let stage: Stage;
  let link: Link;
  let callee: DeskService;
  let desk: AskerService['desk'];
  const start = async (callRetries: HostOptions['callRetries']) => {
    link = new Link(stage.broker.connect(), () => stage.clock.elapsed());
    const host = await stage.start(AskerService, { transport: link.transport, callRetries });
    ({ desk } = host.service(AskerService));
  };
  beforeEach(async () => {
    stage = new Stage();
    callee = (await stage.start(DeskService)).service(DeskService);
    await start({ random: () => 1 });
  });
  afterEach(() => stage.end());
  const attempts = () => stage.eventsOf('called').map((event) => event.attempts);

  it('since the link was lost is made again where its method is idempotent, with what time is left', async () => {
    link.failures.push(lost(), lost());
    const call = desk.read();
    await stage.clock.advance(150);
    expect(await call).to.equal('read');
    expect(link.requests).to.deep.equal([
      { id: 1n, timeoutMs: '10000', at: 0 },
      { id: 2n, timeoutMs: '9950', at: 50 },
      { id: 3n, timeoutMs: '9850', at: 150 },
    ]);
    expect(attempts()).to.deep.equal([3]);
  });

  it('since the link was lost waits for a callee that comes back later than its caller', async () => {
    link.failures.push(lost(), new BusError('nobody', { reason: 'TERABUS_NO_RESPONDERS' }));
    const call = desk.read();
    await stage.clock.advance(150);
    expect(await call).to.equal('read');
    expect(attempts()).to.deep.equal([3]);
  });

  it('is made once where its method is not idempotent, and its error says that it can be tried again', async () => {
    link.failures.push(lost());
    const error = await rejection(desk.write());
    expect([error.reason, error.retryable]).to.deep.equal(['TERABUS_DISCONNECTED', true]);
    expect(attempts()).to.deep.equal([1]);
  });

  for (const failure of [
    new BusError('on its way out', { reason: 'TERABUS_DRAINING' }),
    new BusError('the database is away', { code: 'UNAVAILABLE' }),
    new BusError('the database is away', { code: 'UNAVAILABLE', reason: 'DATABASE_AWAY' }),
  ]) {
    it(`is made again after an answer that nothing was done: ${failure.message}`, async () => {
      callee.failures.push(failure);
      const call = desk.read();
      await stage.clock.advance(50);
      expect(await call).to.equal('read');
      expect([callee.ran, ...attempts()]).to.deep.equal([2, 2]);
    });
  }

  for (const failure of [
    new BusError('nobody', { reason: 'TERABUS_NO_RESPONDERS' }),
    new BusError('full', { reason: 'TERABUS_OVERLOADED' }),
    new BusError('full', { code: 'RESOURCE_EXHAUSTED' }),
    new BusError('late', { reason: 'TERABUS_HANDLER_TIMEOUT' }),
    new BusError('late', { code: 'DEADLINE_EXCEEDED' }),
    new BusError('in between', { code: 'ABORTED' }),
    new BusError('not found', { code: 'NOT_FOUND' }),
    new BusError('closed', { reason: 'TERABUS_CLOSED' }),
    new BusError('a surprise', { reason: 'TERABUS_NATS_ERROR' }),
    new Error('a bug'),
  ]) {
    it(`is over at once after any other answer: ${failure.message}`, async () => {
      callee.failures.push(failure);
      await rejection(desk.read());
      expect([callee.ran, ...attempts(), stage.clock.elapsed()]).to.deep.equal([1, 1, 0]);
    });
  }

  it('since nobody is there is over at once', async () => {
    link.failures.push(new BusError('nobody', { reason: 'TERABUS_NO_RESPONDERS' }));
    expect((await rejection(desk.read())).reason).to.equal('TERABUS_NO_RESPONDERS');
    expect(attempts()).to.deep.equal([1]);
  });

  it('waits longer and longer, up to a second, and ends with its error when no time is left for one more try', async () => {
    await start({ random: () => 1, reserve: 100 });
    link.failures.push(...Array.from({ length: 20 }, lost));
    const failed = rejection(desk.read({ timeoutMs: 4_000 }));
    await stage.clock.advance(4_000);
    expect((await failed).reason).to.equal('TERABUS_DISCONNECTED');
    expect(link.requests.map(({ at }) => at)).to.deep.equal([0, 50, 150, 350, 750, 1_550, 2_550, 3_550]);
    expect(stage.clock.pendingTimers).to.equal(0);
  });

  it('waits between half and all of that, so that callers don’t come back all at once', async () => {
    await start({ random: () => 0 });
    link.failures.push(lost(), lost());
    const call = desk.read();
    await stage.clock.advance(75);
    await call;
    expect(link.requests.map(({ at }) => at)).to.deep.equal([0, 25, 75]);
  });

  it('makes no request while the link is down: that would come back at once', async () => {
    link.failures.push(lost());
    link.state = 'down';
    const call = desk.read();
    await stage.clock.advance(3_000);
    expect(link.requests).to.have.length(1);
    link.state = 'up';
    await stage.clock.advance(1_000);
    expect(await call).to.equal('read');
    expect(link.requests).to.have.length(2);
  });

  it('stops waiting when its signal aborts', async () => {
    link.failures.push(lost());
    const controller = new AbortController();
    const failed = rejection(desk.read({ signal: controller.signal }));
    await stage.clock.advance(20);
    controller.abort(new Error('no longer'));
    expect((await failed).reason).to.equal('TERABUS_RPC_CANCELLED');
    expect([stage.clock.pendingTimers, ...attempts()]).to.deep.equal([0, 1]);
  });

  it('costs the callee a tenth more at most: 10,000 failing calls are no storm', async () => {
    link.failures.push(...Array.from({ length: 20_000 }, lost));
    for (let n = 0; n < 100; n += 1) {
      const calls = Promise.allSettled(Array.from({ length: 100 }, () => desk.read()));
      await stage.clock.advance(10_000);
      await calls;
    }
    expect(link.requests.length).to.be.within(10_900, 11_010);
  });

  it('is never made again where the host says so', async () => {
    await start({ ratio: 0, reserve: 0 });
    link.failures.push(lost());
    await rejection(desk.read());
    expect(link.requests).to.have.length(1);
  });

  it('saves up no more tries than a hundred', async () => {
    for (let n = 0; n < 2_000; n += 1) await desk.read();
    link.requests.splice(0);
    link.failures.push(...Array.from({ length: 20_000 }, lost));
    const calls = Promise.allSettled(Array.from({ length: 500 }, () => desk.read({ timeoutMs: 100 })));
    await stage.clock.advance(100);
    await calls;
    // The calls themselves earn none beyond it while it is full, and 50 while it is not.
    expect(link.requests.length).to.be.within(600, 650);
  });
});
