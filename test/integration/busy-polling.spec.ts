import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { answering, ask } from './support/recorder.js';

const TOPIC = 'service.clock.rpc';
const SILENT = 'service.silent.rpc';
/** All that there are for one answer, and the one that finds that there are no more. */
const ALL_TURNS = 513;

describe('busy polling for answers of a real server', () => {
  const { setImmediate } = globalThis;
  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));
  let server: NatsServer;
  let callee: Transport;
  let caller: Transport;
  let turns: number;

  const connect = async (busyPolling?: boolean) => {
    caller = await connectNats({ servers: server.url, ...(busyPolling !== undefined && { busyPolling }) });
    await caller.prepareRequests();
    turns = 0;
    globalThis.setImmediate = Object.assign((...given: Parameters<typeof setImmediate>) => {
      turns += 1;
      return setImmediate(...given);
    }, setImmediate);
  };

  before(async () => {
    server = await startNatsServer();
  });
  beforeEach(async () => {
    callee = await connectNats({ servers: server.url });
    await answering(callee, TOPIC);
    await callee.subscribe(SILENT, {}, () => {});
  });
  afterEach(() => {
    globalThis.setImmediate = setImmediate;
    return Promise.all([caller.close(), callee.close()]);
  });
  after(() => server.stop());

  it('turns the event loop until the answer is there', async () => {
    await connect();
    await ask(caller, TOPIC, 'what time');
    const turned = turns;
    await loopTurned();
    await loopTurned();
    expect(turned).to.be.above(1);
    expect(turns).to.be.at.most(turned + 1);
  });

  it('ends before an answer that takes long, and does not begin anew while that is awaited', async () => {
    await connect();
    const unanswered = ask(caller, SILENT, 'anybody there');
    for (let turned = 0; turned < 10 * ALL_TURNS && turns < ALL_TURNS; turned++) await loopTurned();
    await ask(caller, TOPIC, 'what time');
    expect(turns).to.equal(ALL_TURNS);
    await caller.close();
    await unanswered;
  });

  it('does not happen where it is switched off', async () => {
    await connect(false);
    await ask(caller, TOPIC, 'what time');
    expect(turns).to.equal(0);
  });
});
