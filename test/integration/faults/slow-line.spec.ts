import { type Host, openBus, startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Callee, CalleeService, gate, outcome } from '../support/callee.js';
import { watching } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { bytes, text } from '../support/recorder.js';

describe('a slow line', () => {
  let server: NatsServer;
  let proxy: ChaosProxy;
  let slow: Transport;
  let direct: Transport;
  let seen: ReturnType<typeof watching>;
  let host: Host;

  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await startProxy({ target: server.port });
    slow = await connectNats({ servers: proxy.url });
    seen = watching(slow);
    direct = await connectNats({ servers: server.url });
    host = await startHost({ transport: direct, services: [CalleeService], logLevel: 'silent' });
  });
  afterEach(async () => {
    proxy.pass();
    await slow.close();
    await host.stop();
    await proxy.stop();
    await server.stop();
  });

  it('of 100 ± 50 ms keeps order, keeps deadlines, and costs the callee no call more', async () => {
    const callee = openBus({ transport: slow, source: 'service.Test' }).client(Callee);
    const service = host.service(CalleeService);
    proxy.delay(100, 50);
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    expect(await Promise.all(numbers.map((n) => callee.read(n)))).to.deep.equal(numbers);
    expect(service.seen).to.deep.equal(numbers);

    const { closed, open } = gate();
    service.gate = closed;
    expect(await outcome(callee.read(50, { timeoutMs: 400 }))).to.equal('TERABUS_RPC_TIMEOUT retryable');
    open();
    expect(service.seen).to.deep.equal([...numbers, 50]);
    expect(seen.kinds()).to.deep.equal([]);
  });

  it('that takes seconds for what comes is not taken for dead', async () => {
    const received: string[] = [];
    await slow.subscribe('large', {}, (message) => void received.push(text(message).slice(0, 2)));
    await slow.flush();
    proxy.drip(50_000);
    const names = Array.from({ length: 30 }, (_, n) => `${n + 10}`);
    for (const name of names) await direct.publish({ topic: 'large', bytes: bytes(name + 'x'.repeat(10_000)) });
    await eventually(() => void expect(received).to.deep.equal(names));
    expect(seen.kinds()).to.deep.equal([]);
  });

  it('that takes seconds for one large message is not taken for dead', async () => {
    await server.stop();
    server = await startNatsServer({ configuration: 'max_payload: 32MB' });
    await using line = await startProxy({ target: server.port });
    const publisher = await connectNats({ servers: line.url });
    const told = watching(publisher);
    line.drip(4_000_000);
    await publisher.publish({ topic: 'large', bytes: new Uint8Array(24_000_000) }, { confirm: true });
    expect(told.kinds()).to.deep.equal([]);
    await publisher.close();
  });

  it('is what a process looks like whose handlers take long: its link is not taken for dead', async () => {
    let count = 0;
    const busy = await connectNats({ servers: server.url });
    const told = watching(busy);
    await busy.subscribe('large', {}, () => {
      count += 1;
      const end = performance.now() + 20;
      while (performance.now() < end);
    });
    await busy.flush();
    const publisher = await connectNats({ servers: server.url, maxUnconfirmedBytes: 40_000_000 });
    const large = new Uint8Array(65_536);
    for (let i = 0; i < 300; i += 1) void publisher.publish({ topic: 'large', bytes: large });
    await eventually(() => void expect(count).to.equal(300));
    expect(told.kinds()).to.deep.equal([]);
    await Promise.all([busy.close(), publisher.close()]);
  });
});
