import { defineModule, OnMessage, Service, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';

/** A mailbox whose messages are numbered. */
export const Counted = defineModule('Soak.Counted', { messages: { types: [DeviceEvent] } });

@Service(Counted)
export class CountedService extends TeraService {
  handled = 0;

  @OnMessage(Counted.messages, DeviceEvent)
  onDevice() {
    this.handled += 1;
  }
}
