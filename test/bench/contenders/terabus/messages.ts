import { defineModule, defineService, from, OnMessage, Service, TeraService, type TrackedContext } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import type { Sides } from '../../process/contender.js';
import { contents, DEVICES, numberOf } from '../../process/content.js';
import { type Flavor, start } from './flavor.js';
import { messageOf } from './message-of.js';

const Module = defineModule('Bench.Module', { messages: { types: [DeviceEvent] } });

@Service(defineService('Bench.Sender', {}), { uses: [Module] })
class MessageSender extends TeraService {
  put(event: DeviceEvent) {
    return this.send(Module.messages, event);
  }
}

/** Messages to a module, which are numbered and held against the last number. */
export const messages = (flavor: Flavor): Sides => ({
  lanes: () => (flavor.delivery.key === undefined ? 1 : DEVICES),
  async receive({ url }, take) {
    @Service(Module)
    class Reader extends TeraService {
      @OnMessage(from(Module.messages, flavor.delivery), DeviceEvent)
      onDevice({ deviceName }: DeviceEvent, { verdict, seq }: TrackedContext) {
        if (verdict.kind === 'gap') throw new Error(`messages are missing before number ${seq}`);
        take(numberOf(deviceName));
      }
    }
    await start(url, [Reader], flavor);
  },
  async send({ url, setting: { payload } }) {
    const host = await start(url, [MessageSender], flavor);
    const sender = host.service(MessageSender);
    const content = contents(payload);
    return {
      hand: (n) => sender.put(messageOf(content(n))),
      flush: async () => {},
    };
  },
});
