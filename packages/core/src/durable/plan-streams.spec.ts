import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { contractOf, defineService, defineTopic, planStreams, Service, TeraService } from '../index.js';
import { thrown } from '../service/stage.spec.js';

const Clinic = defineService('Test.Clinic', { events: { types: [UserEvent], durable: true } });
const rooms = defineTopic('room.{id}', { wrapper: 'text', durable: true });
const hall = defineTopic('hall', { wrapper: 'text', durable: true });

@Service(Clinic)
class ClinicService extends TeraService {}

describe('planStreams', () => {
  it('takes classes and their plans', () => {
    const plan = planStreams([ClinicService]);
    expect(plan.streams.map(({ name }) => name)).to.deep.equal(['service.Test.Clinic.events']);
    expect(planStreams([contractOf(ClinicService)])).to.deep.equal(plan);
  });

  it('says what it takes to whoever gives it something else', () => {
    class NoService {}
    const given: [unknown, string][] = [
      [[Clinic], 'not the contract of service.Test.Clinic: name the class that serves it'],
      [[ClinicService, hall], "not the topic 'hall'"],
      [[rooms], "not the topics 'room.{id}'"],
      [ClinicService, 'takes a list of classes with @Service, or of their plans, not '],
      [[undefined], 'not undefined'],
      [['service.Test.Clinic'], 'not "service.Test.Clinic"'],
      [[NoService], 'NoService has no @Service'],
    ];
    for (const [services, sentence] of given) {
      const error = thrown(() => planStreams(services as never));
      expect(error.reason).to.equal('TERABUS_SERVICE_INVALID');
      expect(error.message).to.contain(sentence);
    }
  });
});
