import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import { defineService, defineTopic, OnPayload, Rpc, rpc, Service, TeraService } from '../index.js';
import type { Deferred } from './deferred.js';
import { deferred } from './deferred.js';
import { Stage } from './stage.spec.js';

const Store = defineService('Test.Store', { rpc: { save: rpc({ args: [z.string()], returns: z.string() }) } });
const Reader = defineService('Test.Reader', {});
const notes = defineTopic('notes', { wrapper: 'text' });

describe('the drain of a host with several services', () => {
  let stage: Stage;
  let door: Deferred<void>;
  let trail: string[];
  beforeEach(() => {
    stage = new Stage();
    door = deferred();
    trail = [];
  });
  afterEach(() => {
    door.resolve();
    return stage.end();
  });

  @Service(Reader, { uses: [notes, Store] })
  class ReaderService extends TeraService {
    @OnPayload(notes)
    async onNote(text: string) {
      trail.push(`reads ${text}`);
      await door.promise;
      const saved = await this.client(Store)
        .save(text)
        .catch((error: { reason: string }) => error.reason);
      trail.push(saved);
    }
  }
  @Service(Store)
  class StoreService extends TeraService {
    @Rpc(Store.rpc.save)
    save(text: string) {
      return `saved ${text}`;
    }
  }
  const say = async (text: string) => {
    await stage.client.publish({ topic: 'notes', bytes: new TextEncoder().encode(text) });
    await stage.settle();
  };

  // Whichever way round they are: neither may go before the other has what it needs.
  for (const services of [
    [StoreService, ReaderService],
    [ReaderService, StoreService],
  ]) {
    it(`lets a handler call its neighbour until it has ended (${services.map(({ name }) => name).join(', ')})`, async () => {
      const host = await stage.start(services);
      await say('1');
      await say('2');
      const stopping = host.stop();
      await stage.clock.advance(5_000);
      await say('late');
      door.resolve();
      await stage.settle();
      expect(await stopping).to.deep.equal({ running: 0, waiting: 0, error: undefined });
      expect(trail).to.deep.equal(['reads 1', 'saved 1', 'reads 2', 'saved 2']);
    });
  }

  it('takes in calls for half of the time at most: those that came must be answered in the other half', async () => {
    const host = await stage.start([StoreService, ReaderService], { drainTimeoutMs: 10_000 });
    await say('1');
    const stopping = host.stop();
    const receivers = async () => {
      const counts: number[] = [];
      const end = stage.broker.observe((crossing) => counts.push(crossing.receivers));
      stage.client.request({ topic: 'service.Test.Store.rpc', bytes: new Uint8Array() }, () => {});
      end();
      await stage.settle();
      return counts[0];
    };
    await stage.clock.advance(4_900);
    expect(await receivers()).to.equal(1);
    await stage.clock.advance(200);
    expect(await receivers()).to.equal(0);
    await stage.clock.advance(4_800);
    expect(host.state).to.equal('draining');
    await stage.clock.advance(200);
    expect(await stopping).to.deep.include({ running: 1, waiting: 0 });
  });
});
