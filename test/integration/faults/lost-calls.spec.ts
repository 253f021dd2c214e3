import { type Host, startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CalleeService, CallerService, gate, outcome } from '../support/callee.js';
import { eventually } from '../support/eventually.js';

describe('calls whose link is lost while they are answered', () => {
  let server: NatsServer;
  let proxy: ChaosProxy;
  let hosts: Host[];
  let callee: CalleeService;
  let caller: CallerService;

  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await startProxy({ target: server.port });
    const [direct, through] = [await connectNats({ servers: server.url }), await connectNats({ servers: proxy.url })];
    hosts = [
      await startHost({ transport: direct, services: [CalleeService], logLevel: 'silent' }),
      await startHost({ transport: through, services: [CallerService], logLevel: 'silent' }),
    ];
    callee = (hosts[0] as Host).service(CalleeService);
    caller = (hosts[1] as Host).service(CallerService);
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await proxy.stop();
    await server.stop();
  });

  /** Makes a call of each kind, breaks the link while both are under way, and says what they come to. */
  async function callsDuring(breakIt: () => Promise<void> | void) {
    const { closed, open } = gate();
    callee.gate = closed;
    const calls = Promise.all([outcome(caller.callee.read(1)), outcome(caller.callee.write(2))]);
    await eventually(() => void expect([...callee.seen].sort()).to.deep.equal([1, 2]));
    callee.gate = undefined;
    await breakIt();
    const result = await calls;
    open();
    return result;
  }

  it('by a cut: those that may be made again are, all others reject and can be told apart', async () => {
    expect(await callsDuring(() => proxy.cut({ once: true }))).to.deep.equal([1, 'TERABUS_DISCONNECTED retryable']);
    expect(callee.seen.filter((n) => n === 2)).to.have.length(1);
  });

  it('by a server that is killed and started again', async () => {
    const restart = async () => {
      await server.kill();
      await server.restart();
    };
    expect(await callsDuring(restart)).to.deep.equal([1, 'TERABUS_DISCONNECTED retryable']);
    expect(callee.seen.filter((n) => n === 2)).to.have.length(1);
  });

  it('by a server whose caller comes back before its callee', async () => {
    const behind = await startProxy({ target: server.port });
    await (hosts[0] as Host).stop();
    const transport = await connectNats({ servers: behind.url });
    const host = await startHost({ transport, services: [CalleeService], logLevel: 'silent' });
    hosts.push(host);
    callee = host.service(CalleeService);
    const lateCallee = async () => {
      behind.cut();
      proxy.cut({ once: true });
      await eventually(() => void expect(hosts[1]?.health().connection.state).to.equal('up'));
      behind.pass();
    };
    expect(await callsDuring(lateCallee)).to.deep.equal([1, 'TERABUS_DISCONNECTED retryable']);
    await host.stop();
    await behind.stop();
  });
});
