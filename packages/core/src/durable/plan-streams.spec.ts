import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { contractOf, defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '../index.js';
import { thrown } from '../service/stage.spec.js';
import { deadLettersOf, retriesOf } from './names.js';

const Ward = defineService('Test.Ward', {});
const visits = defineTopic('visits', { wrapper: 'event', types: [UserEvent], durable: true });

@Service(Ward, { uses: [visits] })
class WardService extends TeraService {
  @OnEvent(from(visits, {}), UserEvent)
  onUser() {}
}

const limits = (options?: Parameters<typeof planStreams>[1]) => {
  const { streams, buckets } = planStreams([WardService], options);
  return {
    ...Object.fromEntries(streams.map(({ name, maxMessages, maxBytes }) => [name, [maxMessages, maxBytes]])),
    marks: buckets.map(({ maxKeys }) => maxKeys),
  };
};

const Clinic = defineService('Test.Clinic', { events: { types: [UserEvent], durable: true } });
const rooms = defineTopic('room.{id}', { wrapper: 'text', durable: true });
const hall = defineTopic('hall', { wrapper: 'text', durable: true });

@Service(Clinic)
class ClinicService extends TeraService {}

describe('the streams that are planned', () => {
  it('are limited in messages, which is exact, and not in bytes', () => {
    expect(limits()).to.deep.equal({
      visits: [10_000_000, -1],
      [retriesOf(Ward.address)]: [100_000, -1],
      [deadLettersOf(Ward.address)]: [100_000, -1],
      marks: [1_000_000],
    });
  });

  it('have the limits of their service', () => {
    expect(limits({ maxDeadLetters: 7, maxMarks: 8 })).to.deep.include({
      [retriesOf(Ward.address)]: [7, -1],
      [deadLettersOf(Ward.address)]: [7, -1],
      marks: [8],
    });
  });

  it('have no limit where messages wait for another try on several servers, whose copies would come to differ', () => {
    expect(limits({ replicas: 3 })).to.deep.include({
      [retriesOf(Ward.address)]: [-1, -1],
      [deadLettersOf(Ward.address)]: [100_000, -1],
    });
  });
});

describe('planStreams', () => {
  it('knows no time that a server could not count', () => {
    const tooLong = [
      () => planStreams([WardService], { keepMarksMs: 1e13 }),
      () => planStreams([WardService], { keepDeadLettersMs: 1e13 }),
      () => defineTopic('hall', { wrapper: 'text', durable: { keepMs: 1e13 } }),
      () => from(hall, { ackWaitMs: 1e13 }),
    ];
    for (const plan of tooLong) expect(thrown(plan).message).to.match(/Ms' was 10000000000000: Too big/);
  });

  it('says where a consumer can begin', () => {
    for (const start of ['yesterday', { timeMs: 0.5 }, { time: 1 }, 7]) {
      expect(thrown(() => from(hall, { start: start as never })).message).to.contain(
        "it is 'new', 'all', { sequence } or { timeMs }",
      );
    }
  });

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
