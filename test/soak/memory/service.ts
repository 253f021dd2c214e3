import { setTimeout as pause } from 'node:timers/promises';
import { defineService, defineTopic, OnPayload, Service, TeraService } from '@terabus/core';

const HANDLER_MS = 10;
export const MESSAGE_BYTES = 1_024;

export const flood = defineTopic('soak.memory.flood', { wrapper: 'text' });
export const offers = defineTopic('soak.memory.offers', { wrapper: 'text' });
const Slow = defineService('Soak.Slow', {});

/** A handler that does not keep up. */
@Service(Slow, { uses: [flood] })
export class SlowService extends TeraService {
  @OnPayload(flood)
  async onMessage() {
    await pause(HANDLER_MS);
  }
}
