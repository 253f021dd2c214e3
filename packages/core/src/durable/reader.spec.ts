import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { type Deferred, deferred } from '../service/deferred.js';
import { rejection } from '../service/stage.spec.js';
import { VirtualClock } from '../transport/memory/index.js';
import type { ConsumeOptions } from '../transport/streams.js';
import type { GroupParts } from './group-parts.js';
import { Reader } from './reader.js';

describe('what reads a stream', () => {
  let clock: VirtualClock;
  let consumed: string[];
  let away: boolean;
  let slow: Deferred<void> | undefined;
  let reader: Reader;
  beforeEach(() => {
    clock = new VirtualClock();
    consumed = [];
    away = false;
    slow = undefined;
    const consume = async ({ stream }: ConsumeOptions) => {
      await slow?.promise;
      if (away) throw new BusError('away', { reason: 'TERABUS_CONSUMER_MISSING' });
      consumed.push(stream);
      return { stop: async () => void consumed.splice(consumed.indexOf(stream), 1) };
    };
    const parts: Partial<Record<keyof GroupParts, unknown>> = {
      address: 'service.A',
      pattern: 'notes',
      definition: { template: 'notes' },
      options: {},
      clock,
      transport: { streams: { consume } },
    };
    reader = new Reader(parts as unknown as GroupParts, () => undefined as never);
  });
  const each = ['notes', 'service.A retries'];

  it('reads once, however often it is told to begin', async () => {
    await Promise.all([reader.begin(), reader.begin()]);
    await reader.begin();
    expect(consumed).to.deep.equal(each);
    await reader.end();
    expect(consumed).to.deep.equal([]);
    await reader.begin();
    expect(consumed).to.deep.equal(each);
    await reader.end();
  });

  it('tries again by itself, and at once when it is told to begin meanwhile', async () => {
    away = true;
    expect(await rejection(reader.begin())).to.include({ reason: 'TERABUS_CONSUMER_MISSING' });
    expect(reader.problem).to.include({ reason: 'TERABUS_CONSUMER_MISSING' });
    await clock.advance(1_000);
    away = false;
    await reader.begin();
    await clock.advance(1_000);
    expect(consumed).to.deep.equal(each);
    expect(reader.problem).to.equal(undefined);
    await reader.end();
    expect(clock.pendingTimers).to.equal(0);
  });

  it('has ended where it ends while it begins: what begins then is stopped, and begins anew once', async () => {
    slow = deferred();
    const beginning = reader.begin();
    await reader.end();
    const again = reader.begin();
    slow.resolve();
    await Promise.all([beginning, again]);
    expect(consumed).to.deep.equal(each);
    await reader.end();
    expect(consumed).to.deep.equal([]);
  });
});
