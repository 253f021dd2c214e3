import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { watching } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { ask, bytes } from '../support/recorder.js';

const CONNECTIONS = 100;

describe('a server that is killed under 100 connections', () => {
  it('has them all back, with their subscriptions, and not all at once', async () => {
    await using server = await startNatsServer();
    await using proxy = await startProxy({ target: server.port });
    const connect = () => connectNats({ servers: proxy.url, connectTimeoutMs: 15_000 });
    const transports: Transport[] = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
    const backAt: number[] = [];
    const seen = await Promise.all(
      transports.map(async (transport, i) => {
        await transport.subscribe(`storm.${i}`, {}, ({ replyTo }) => {
          if (replyTo !== undefined) void transport.respond(replyTo, bytes(''));
        });
        transport.watch(({ kind }) => void (kind === 'reconnected' && backAt.push(performance.now())));
        return watching(transport);
      }),
    );
    const before = proxy.accepted;
    await server.kill();
    // Each has dialled some times in vain.
    await eventually(() => void expect(proxy.accepted).to.be.at.least(before + 4 * CONNECTIONS));
    await server.restart();
    await eventually(() => void expect(backAt).to.have.length(CONNECTIONS));

    const [first = 0, last = 0] = [Math.min(...backAt), Math.max(...backAt)];
    expect(last - first).to.be.greaterThan(200);
    const asker = transports[0] as Transport;
    const answers = await Promise.all(transports.map((_, i) => ask(asker, `storm.${i}`)));
    expect(answers.filter((answer) => answer instanceof Error)).to.deep.equal([]);
    for (const { kinds } of seen) expect(kinds()).to.deep.equal(['disconnected', 'reconnected']);
    await Promise.all(transports.map((transport) => transport.close()));
  });
});
