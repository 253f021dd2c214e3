import { defineModule } from '@terabus/core/contract';
import { DatabaseEvent } from '@terabus/messages';

/** Says which rows were created, changed or deleted: `Database.events({ table: 'user' })`. */
export const Database = defineModule('TeraServer.DatabaseModule', {
  events: { types: [DatabaseEvent], suffix: '{table}' },
});
