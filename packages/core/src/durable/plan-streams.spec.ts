import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '../index.js';
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

describe('the streams that are planned', () => {
  it('are limited in messages, which is exact, and not in bytes', () => {
    expect(limits()).to.deep.equal({
      visits: [1_000_000, -1],
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
