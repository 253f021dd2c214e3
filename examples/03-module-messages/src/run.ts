import type { BusError, Middleware } from '@terabus/core';
import { defineService, Service, startHost, TeraService } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { DeviceEvent, DeviceEvent_EventType, encodeModuleMessage, packAny } from '@terabus/messages';
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';
import { pino } from 'pino';
import { Presence, PresenceService } from './presence.js';

/** Runs around every handler of the host: here it prints what the number of each module message says. */
const printVerdict: Middleware = (next) => (message, context) => {
  if (context.kind === 'module-message') {
    const { source, seq, verdict } = context;
    console.log(`${(message as DeviceEvent).deviceName}: number ${seq} of ${source}: ${verdict.kind}`);
  }
  return next(message, context);
};

const connected = (deviceName: string, deviceStatus = '') =>
  DeviceEvent.create({ deviceName, deviceStatus, type: DeviceEvent_EventType.DEVICE_CONNECTED });

const Gate = defineService('Gate', {});

@Service(Gate, { uses: [Presence] })
class GateService extends TeraService {
  async work() {
    await this.send(Presence.messages, connected('Scale'));
    await this.send(Presence.messages, connected('Camera'));
    // Number 3 is never used again, but it is not lost either: number 4 says that its sender gave it up.
    const tooLarge = connected('Microscope', 'x'.repeat(2_000_000));
    const refused = await this.send(Presence.messages, tooLarge).catch((error: BusError) => error.reason);
    await this.send(Presence.messages, connected('Lamp'));
    return refused;
  }
}

const { NATS_URL } = process.env;
const broker = new MemoryBroker();
const connect = async () => (NATS_URL ? connectNats(natsOptionsFromEnv()) : broker.connect());

const logger = pino(pino.destination(2)); // standard error: gaps are logged too
const host = await startHost({
  transport: await connect(),
  services: [PresenceService, GateService],
  middlewares: [printVerdict],
  logger,
});
const refused = await host.service(GateService).work();

// A sender that is no Terabus. Its message 3 is missing, comes late, and comes again.
const other = await connect();
const dest = Presence.messages.name;
for (const seq of [1, 2, 4, 3, 3]) {
  const data = [packAny(DeviceEvent, connected(`Bed ${seq}`))];
  const bytes = encodeModuleMessage({ time: Date.now() / 1_000, seq, source: 'module.Building', dest, data });
  await other.publish({ topic: dest, bytes });
}
await other.close();
await host.stop();
console.log(`Microscope: ${refused}`);
