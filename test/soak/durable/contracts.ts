import { defineService, defineTopic, Service, TeraService } from '@terabus/core';

/** What writers number: `<writer>-<n>`. With room for all of a long run. */
export const numbers = defineTopic('soak.numbers.{writer}.{lane}', {
  wrapper: 'text',
  durable: { maxMessages: 10_000_000 },
});

/** Whose plan has the stream. */
@Service(defineService('Soak.Writers', {}), { uses: [numbers] })
export class WritersService extends TeraService {}
