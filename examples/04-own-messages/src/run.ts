import { defineService, defineTopic, OnEvent, Service, startHost, TeraService } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { standardTypes, toJson } from '@terabus/messages';
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';
import { StepsCounted } from './gen/clinic/gait/v1/steps.js'; // made by `npm run generate` from proto/

// A contract that carries the type is all that services need to publish and to handle it.
const steps = defineTopic('clinic.gait.{participant}.steps', { wrapper: 'event', types: [StepsCounted] });

const Treadmill = defineService('Treadmill', {});

@Service(Treadmill, { uses: [steps] })
class TreadmillService extends TeraService {
  async count(participantUuid: string) {
    const aid = { $case: 'walkerWheels', value: 2 } as const;
    const event = StepsCounted.create({ participantUuid, steps: 1_250, distanceMm: 812_500n, aid });
    await this.publish(steps({ participant: participantUuid }), event);
  }
}

const Diary = defineService('Diary', {});

@Service(Diary)
class DiaryService extends TeraService {
  @OnEvent(steps.all, StepsCounted)
  onSteps(event: StepsCounted) {
    const aid = event.aid?.$case === 'walkerWheels' ? `a walker with ${event.aid.value} wheels` : event.aid?.value;
    console.log(`${event.steps} steps, ${event.distanceMm / 1_000n} m, with ${aid ?? 'no aid'}`);

    // Code that can't know the type beforehand finds it in a registry, by the name in the Any.
    const types = standardTypes.with(StepsCounted);
    console.log(types.packAny(event).typeUrl);
    console.log(JSON.stringify(toJson(event, { registry: types })));
  }
}

const { NATS_URL } = process.env;
const transport = NATS_URL ? await connectNats(natsOptionsFromEnv()) : new MemoryBroker().connect();
const host = await startHost({ transport, services: [TreadmillService, DiaryService] });
await host.service(TreadmillService).count('33333333-3333-4333-8333-333333333333');
await host.stop();
