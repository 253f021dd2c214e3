import { defineService, from, OnPayload, Service, TeraService } from '@terabus/core';
import { numbers } from './contracts.js';

/** The numbers that were handled. */
export const handled = new Set<string>();

/** Handles what the writers write. */
@Service(defineService('Soak.Reader', {}), { uses: [numbers] })
export class ReaderService extends TeraService {
  @OnPayload(from(numbers.all, { start: 'all', concurrency: 64 }))
  onNumber(id: string) {
    handled.add(id);
  }
}
