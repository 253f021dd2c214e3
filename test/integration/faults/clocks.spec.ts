import type { Observer } from '@terabus/core';
import { type Host, startHost } from '@terabus/core';
import { type Clock, systemClock } from '@terabus/core/transport';
import { UserEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CalleeService, CallerService, gate, outcome } from '../support/callee.js';
import { eventually } from '../support/eventually.js';
import { SoloSenderService } from '../support/solo-sender.js';
import { SoloService } from '../support/solo-service.js';

const HOUR_MS = 3_600_000;

/** The machine's clock, whose time of day is wrong. */
function wrongClock(byMs: number): Clock & { byMs: number } {
  const clock = { ...systemClock, byMs, now: () => systemClock.now() + clock.byMs };
  return clock;
}

describe('clocks that are wrong by an hour', () => {
  let server: NatsServer;
  let proxy: ChaosProxy;
  const hosts: Host[] = [];
  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await startProxy({ target: server.port });
  });
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
    await proxy.stop();
    await server.stop();
  });

  type Services = Parameters<typeof startHost>[0]['services'];
  async function start(services: Services, clock: Clock, observers: readonly Observer[] = []): Promise<Host> {
    const transport = await connectNats({ servers: proxy.url });
    const host = await startHost({ transport, services, clock, observers, logLevel: 'silent' });
    hosts.push(host);
    return host;
  }
  const roles = () => hosts.map((host) => host.health().services[0]?.role);

  for (const [callerMs, calleeMs] of [
    [HOUR_MS, 0],
    [-HOUR_MS, 0],
  ] as const) {
    it(`(the caller's by ${callerMs / HOUR_MS}) change no deadline, also when they jump under way`, async () => {
      const clock = wrongClock(callerMs);
      const callee = (await start([CalleeService], wrongClock(calleeMs))).service(CalleeService);
      const caller = (await start([CallerService], clock)).service(CallerService);
      expect(await outcome(caller.callee.read(1))).to.equal(1);
      const { closed, open } = gate();
      callee.gate = closed;
      const call = outcome(caller.callee.read(2));
      const late = outcome(caller.callee.read(3, { timeoutMs: 100 }));
      await eventually(() => void expect(callee.seen).to.have.length(3));
      clock.byMs = -callerMs;
      expect(await late).to.equal('TERABUS_RPC_TIMEOUT retryable');
      open();
      expect(await call).to.equal(2);
    });
  }

  it('make no gap of messages that came, and hide none that was lost', async () => {
    const verdicts: string[] = [];
    const clock = wrongClock(HOUR_MS);
    await start([SoloService], systemClock, [
      (event) => void (event.kind === 'sequence' && verdicts.push(event.verdict.kind)),
    ]);
    const send = async (host: Host, name: string) =>
      host.service(SoloSenderService).post(UserEvent.create({ userFullname: name }));
    const ahead = await start([SoloSenderService], clock);
    await send(ahead, '1');
    clock.byMs = -HOUR_MS;
    await send(ahead, '2');
    const rule = proxy.drop('module.Test.Solo.messages');
    await send(ahead, '3');
    await eventually(() => void expect(rule.hits).to.have.length(1));
    rule.remove();
    // The heartbeats tell of the lost last message.
    await eventually(() => void expect(verdicts).to.include('gap'));
    // A restart whose clock is behind looks older than what was there before, and is counted from its first number.
    const behind = await start([SoloSenderService], wrongClock(-HOUR_MS));
    await send(behind, '4');
    await eventually(() => void expect(verdicts).to.deep.equal(['first', 'gap', 'first']));
  });

  it('hand over all the same: an instance behind stands by until the other one stops, one ahead takes over', async () => {
    await start([SoloService], wrongClock(HOUR_MS));
    const right = await start([SoloService], systemClock);
    expect(roles()).to.deep.equal(['active', 'standby']);
    await start([SoloService], wrongClock(2 * HOUR_MS));
    await eventually(() => void expect(roles()).to.deep.equal(['standby', 'standby', 'active']));

    const asker = (await start([SoloSenderService], systemClock)).service(SoloSenderService);
    for (const host of [hosts[2], hosts[0]] as Host[]) {
      hosts.splice(hosts.indexOf(host), 1);
      await host.stop();
      expect(await asker.who()).to.equal(process.pid);
    }
    await eventually(() => void expect(right.health().services[0]?.role).to.equal('active'));
  });
});
