import { runService } from '@terabus/nats';
import { PresenceService } from './presence.js';

await runService(PresenceService);
