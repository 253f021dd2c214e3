import { defineService } from '@terabus/core/contract';

/** Everything around the server that the example does not have: sockets, web pages, signalling, the database. */
export const Simulator = defineService('DeviceSimulator', {});
