// Sends to the module of which one instance is active, and calls it.
import { defineService, Service, TeraService } from '@terabus/core';
import type { UserEvent } from '@terabus/messages';
import { Solo } from './solo-service.js';

@Service(defineService('Test.SoloSender', {}), { uses: [Solo] })
export class SoloSenderService extends TeraService {
  post(user: UserEvent) {
    return this.send(Solo.messages, user, { confirm: true });
  }
  who() {
    return this.client(Solo).who();
  }
}
