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
  it('has them all back, with their subscriptions', async () => {
    await using server = await startNatsServer();
    await using proxy = await startProxy({ target: server.port });
    const connect = () => connectNats({ servers: proxy.url, connectTimeoutMs: 15_000 });
    const transports: Transport[] = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
    const seen = await Promise.all(
      transports.map(async (transport, i) => {
        await transport.subscribe(`storm.${i}`, {}, ({ replyTo }) => {
          if (replyTo !== undefined) void transport.respond(replyTo, bytes(''));
        });
        return watching(transport);
      }),
    );
    const before = proxy.accepted;
    await server.kill();
    // Each has dialled some times in vain.
    await eventually(() => void expect(proxy.accepted).to.be.at.least(before + 4 * CONNECTIONS));
    await server.restart();
    await eventually(() => {
      for (const { kinds } of seen) expect(kinds()).to.deep.equal(['disconnected', 'reconnected']);
    });
    const asker = transports[0] as Transport;
    const answers = await Promise.all(transports.map((_, i) => ask(asker, `storm.${i}`)));
    expect(answers.filter((answer) => answer instanceof Error)).to.deep.equal([]);
    await Promise.all(transports.map((transport) => transport.close()));
  });
});
