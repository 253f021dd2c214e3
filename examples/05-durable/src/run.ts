import { EventEmitter, once } from 'node:events';
import type { DurableTrackedContext } from '@terabus/core';
import { defineModule, defineService, OnMessage, planStreams, Service, startHost, TeraService } from '@terabus/core';
import { MemoryBroker, systemClock } from '@terabus/core/memory';
import { DeviceEvent } from '@terabus/messages';
import { connectNats, natsOptionsFromEnv, provision } from '@terabus/nats';

// What is sent to this mailbox is stored: it waits for a lab that is not running, and is tried again when the lab fails.
const Lab = defineModule('Clinic.LabModule', {
  messages: { types: [DeviceEvent], durable: { tries: 3, retryAfterMs: 100 } },
});

@Service(Lab)
class LabService extends TeraService {
  calibrated = false;

  @OnMessage(Lab.messages, DeviceEvent)
  onSample({ deviceName }: DeviceEvent, { durable: { attempt, replayed } }: DurableTrackedContext) {
    const which = `${deviceName}, ${replayed ? 'replayed, ' : ''}try ${attempt}`;
    console.log(`Lab: ${which}`);
    if (deviceName === 'Blood' && attempt < 3) throw new Error('the analyser warms up');
    if (deviceName === 'Urine' && !this.calibrated) throw new Error('the analyser is not calibrated');
    console.log(`Lab: ${which} is analysed`);
  }
}

const Ward = defineService('Ward', {});

@Service(Ward, { uses: [Lab] })
class WardService extends TeraService {
  /** Resolves when it is stored, with its place; the lab may be at it by then, or not run at all. */
  take(deviceName: string) {
    return this.send(Lab.messages, DeviceEvent.create({ deviceName }));
  }
}

// A service makes no streams: it finds them as its contracts say, or refuses to start. Here the page itself makes them
// first; in a deployment a step with credentials of its own does.
const services = [LabService, WardService];
const { NATS_URL } = process.env;
const broker = new MemoryBroker({ clock: systemClock });
if (NATS_URL) await provision(planStreams(services), natsOptionsFromEnv());
else broker.provision(planStreams(services));
console.log('The streams of Clinic.LabModule are there: this page has provisioned them.');

const happened = new EventEmitter();
const host = await startHost({
  transport: NATS_URL ? await connectNats(natsOptionsFromEnv()) : broker.connect(),
  services,
  logLevel: 'silent', // it would have a line for each failure
  observers: [(event) => happened.emit(event.kind === 'handled' && !event.error ? 'analysed' : event.kind)],
});

const analysed = once(happened, 'analysed');
const { stream } = await host.service(WardService).take('Blood');
await analysed;
console.log(`Ward: Blood was stored in ${stream}`);

const givenUp = once(happened, 'dead-lettered');
await host.service(WardService).take('Urine');
await givenUp;

const letters = host.deadLetters(LabService);
for (const { id, handler, tries, text } of (await letters.list()).letters) {
  console.log(`Dead letter: ${handler} gave up after ${tries} tries: ${text?.split(': ').at(-1)}`);
  host.service(LabService).calibrated = true;
  const done = once(happened, 'analysed');
  await letters.replay(id);
  await done;
}
console.log(`Dead letters left: ${(await letters.list()).letters.length}`);
await host.stop();
