import { defineService, from, OnPayload, Service, TeraService } from '@terabus/core';
import { numbers } from './contracts.js';

/** How often each number was handled. */
export const handled = new Map<string, number>();

/** Handles what the writers write. */
@Service(defineService('Soak.Reader', {}), { uses: [numbers] })
export class ReaderService extends TeraService {
  @OnPayload(from(numbers.all, { start: 'all', concurrency: 64 }))
  onNumber(id: string) {
    handled.set(id, (handled.get(id) ?? 0) + 1);
  }
}
