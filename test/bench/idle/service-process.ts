// A service of Terabus that connects, listens, and has nothing to do.
import { defineService, OnEvent, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { z } from 'zod';
import { serveIdle } from './idle.js';

const Idle = defineService('Bench.Idle', {
  events: { types: [DeviceEvent] },
  rpc: { echo: rpc({ args: [z.string()], returns: z.string() }) },
});

@Service(Idle)
class IdleService extends TeraService {
  @OnEvent(Idle.events, DeviceEvent)
  onDevice() {}

  @Rpc(Idle.rpc.echo)
  echo(text: string) {
    return text;
  }
}

serveIdle(async (url) => startHost({ transport: await connectNats({ servers: url }), services: [IdleService] }));
