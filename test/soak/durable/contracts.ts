import { defineService, defineTopic, Service, TeraService } from '@terabus/core';

/** What writers number: `<writer>-<n>`. */
export const numbers = defineTopic('soak.numbers.{writer}.{lane}', { wrapper: 'text', durable: true });

/** Whose plan has the stream. */
@Service(defineService('Soak.Writers', {}), { uses: [numbers] })
export class WritersService extends TeraService {}
