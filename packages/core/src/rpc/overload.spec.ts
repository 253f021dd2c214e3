import { BusError, RPCMessage, Value } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import type { Host } from '../index.js';
import { defineModule, defineService, Rpc, rpc, Service, TeraService } from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Transport } from '../transport/index.js';

const Desk = defineModule('Test.Desk', {
  rpc: {
    wait: rpc({ args: [z.string()], returns: z.string() }),
    fail: rpc({ args: [], returns: z.void() }),
    fail_too: rpc({ args: [], returns: z.void() }),
  },
});
const Asker = defineService('Asker', {});

@Service(Desk, { rpc: { concurrency: 1, maxQueued: 2, maxQueuedBytes: 10_000 } })
class DeskService extends TeraService {
  readonly ran: string[] = [];
  open: () => void = () => {};
  readonly door = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  @Rpc(Desk.rpc.wait)
  async wait(what: string) {
    this.ran.push(what);
    await this.door;
    return what;
  }
  @Rpc(Desk.rpc.fail)
  fail() {
    throw new Error('secret');
  }
  @Rpc(Desk.rpc.fail_too)
  failToo() {
    throw new Error('secret');
  }
}

@Service(Asker, { uses: [Desk] })
class AskerService extends TeraService {
  get desk() {
    return this.client(Desk);
  }
}

/** A transport whose answers don't leave until the test says so. */
function jammed(inner: Transport): { readonly transport: Transport; readonly release: () => void } {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const respond: Transport['respond'] = async (...answer) => {
    await released;
    await inner.respond(...answer);
  };
  const transport = new Proxy(inner, {
    get: (target, name) => {
      const member = Reflect.get(target, name);
      if (name === 'respond') return respond;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  return { transport, release: () => release() };
}

describe('too many calls', () => {
  let stage: Stage;
  let host: Host;
  let desk: DeskService;
  let asker: AskerService;
  beforeEach(async () => {
    stage = new Stage();
    host = await stage.start(DeskService);
    desk = host.service(DeskService);
    asker = (await stage.start(AskerService)).service(AskerService);
  });
  afterEach(async () => {
    desk.open();
    await stage.end();
  });
  const askOneByOne = async (...questions: readonly string[]) => {
    const calls: Promise<string>[] = [];
    for (const what of questions) {
      calls.push(asker.desk.wait(what));
      await stage.settle();
    }
    return calls;
  };
  const lines = (part: string) => stage.log.filter(({ msg }) => msg.includes(part));

  it('are refused at once, and those that wait are answered', async () => {
    const taken = await askOneByOne('a', 'b', 'c');
    const error = await rejection(asker.desk.wait('d'));
    expect(error.toJSON()).to.deep.equal({
      name: 'BusError',
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TERABUS_OVERLOADED',
      message: 'module.Test.Desk has no room for one more call: 2 calls (maxQueued) wait; it was not executed',
    });
    expect(error.retryable).to.equal(true);
    expect(stage.clock.elapsed()).to.equal(0);
    expect(stage.eventsOf('refused')).to.deep.equal([
      { kind: 'refused', service: 'module.Test.Desk', topic: 'module.Test.Desk.rpc', method: 'wait', why: 'maxQueued' },
    ]);
    desk.open();
    expect(await Promise.all(taken)).to.deep.equal(['a', 'b', 'c']);
    expect(await asker.desk.wait('e')).to.equal('e');
    expect(desk.ran).to.deep.equal(['a', 'b', 'c', 'e']);
  });

  it('are counted, and logged once and then with their number', async () => {
    const all = Promise.allSettled(Array.from({ length: 1_000 }, (_, n) => asker.desk.wait(`${n}`)));
    await stage.clock.advance(1_000);
    const { refused, dropped } = host.counters;
    expect(refused + dropped).to.be.within(996, 998);
    expect(lines('no room for one more call')).to.have.length(1);
    desk.open();
    await stage.clock.advance(10_000);
    await all;
  });

  it('are too many by their bytes as well', async () => {
    const taken = await askOneByOne('a', 'x'.repeat(10_000));
    expect((await rejection(asker.desk.wait('b'))).rawMessage).to.contain('10000 bytes (maxQueuedBytes)');
    desk.open();
    await Promise.all(taken);
  });

  it('are dropped where answers don’t leave: no pile of answers grows instead', async () => {
    const stuck = new Stage();
    const { transport, release } = jammed(stuck.broker.connect());
    const running = await stuck.start(DeskService, { transport });
    const bytes = RPCMessage.encode(
      RPCMessage.create({
        method: 'nobody has it',
        id: 1n,
        timestamp: 1,
        args: [Value.create({ argValue: { $case: 'stringValue', value: 'x' } })],
      }),
    );
    let answers = 0;
    for (let n = 0; n < 100; n += 1) {
      stuck.client.request({ topic: 'module.Test.Desk.rpc', bytes }, (answer) => {
        if (!BusError.is(answer)) answers += 1;
      });
    }
    await stuck.settle();
    expect(running.counters.dropped).to.equal(98);
    const said = stuck.log.filter(({ msg }) => msg.includes('answers of 2 calls (maxQueued) wait to be sent'));
    expect(said).to.have.length(1);
    release();
    await stuck.settle();
    expect(answers).to.equal(2);
    await stuck.end();
  });
});

describe('calls that fail by the thousands', () => {
  it('have ten lines a second of their method in the log, and each caller gets the id of one', async () => {
    const stage = new Stage();
    const desk = (await stage.start([DeskService, AskerService])).service(AskerService).desk;
    const ids: unknown[] = [];
    for (let n = 0; n < 100; n += 1) {
      const { details, rawMessage, reason } = await rejection(desk.fail());
      ids.push(details?.['errorId']);
      expect(reason).to.equal('TERABUS_HANDLER_FAILED');
      expect(rawMessage.includes('one of too many for the log')).to.equal(n >= 10);
    }
    const written = stage.log.map(({ errorId }) => errorId).filter((errorId) => errorId !== undefined);
    expect(written).to.have.length(10);
    expect(written).to.include.members(ids);
    // Another method has its own, and the next second has new ones.
    const other = (await rejection(desk.fail_too())).details?.['errorId'];
    await stage.clock.advance(1_000);
    const later = (await rejection(desk.fail())).details?.['errorId'];
    const all = stage.log.map(({ errorId }) => errorId).filter((errorId) => errorId !== undefined);
    expect(all.slice(10)).to.deep.equal([other, later]);
    // How many there were is in the counted line.
    expect(stage.log.some(({ count }) => count === 99)).to.equal(true);
    await stage.end();
  });
});
