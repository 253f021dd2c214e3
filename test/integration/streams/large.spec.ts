import { defineService, defineTopic, from, OnEvent, planStreams, Service, startHost, TeraService } from '@terabus/core';
import { encodeTeraEvent, packAny, UserEvent } from '@terabus/messages';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { connect, headers, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { eventually } from '../support/eventually.js';

const visits = defineTopic('visits', { wrapper: 'event', types: [UserEvent], durable: { tries: 1 } });

@Service(defineService('Clinic', {}), { uses: [visits] })
class ClinicService extends TeraService {
  @OnEvent(from(visits, {}), UserEvent)
  fails() {
    throw new Error('never');
  }
}

describe('messages that leave no room beside them', () => {
  let server: NatsServer;
  let stranger: NatsConnection;
  before(async () => {
    server = await startNatsServer({ jetstream: true });
    await provision(planStreams([ClinicService]), { servers: server.url });
    stranger = await connect({ servers: server.url });
  });
  after(async () => {
    await stranger.close();
    await server.stop();
  });

  it('are put aside all the same: by their bytes, by their headers, and a little below either', async () => {
    const transport = await connectNats({ servers: server.url });
    const host = await startHost({ transport, services: [ClinicService], logger: pino({ level: 'silent' }) });
    const most = transport.maxPayloadBytes;
    const room = [0, 100, 300, 600, 900, 2_000];
    for (const left of room) {
      stranger.publish('visits', new Uint8Array(most - left).fill(0xff));
      const own = headers();
      own.append('filler', 'x'.repeat(65_500 - left));
      const events = [packAny(UserEvent, UserEvent.create({ userUuid: '1' }))];
      stranger.publish('visits', encodeTeraEvent({ topic: 'visits', time: 1, events }), { headers: own });
    }
    await stranger.flush();
    await eventually(async () => {
      const { letters } = await host.deadLetters(ClinicService).list();
      expect(letters).to.have.lengthOf(room.length * 2);
    });
    const { letters } = await host.deadLetters(ClinicService).list();
    expect(letters.map(({ sequence }) => sequence).toSorted((one = 0, other = 0) => one - other)).to.deep.equal(
      Array.from({ length: room.length * 2 }, (_, n) => n + 1),
    );
    expect(host.health().problems).to.deep.equal([]);
    await host.stop();
  });
});
