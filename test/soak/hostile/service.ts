import {
  defineModule,
  defineService,
  defineTopic,
  json,
  OnEvent,
  OnMessage,
  OnPayload,
  Rpc,
  rpc,
  Service,
  TeraService,
} from '@terabus/core';
import { DeviceEvent, JoinSessionEvent } from '@terabus/messages';
import { z } from 'zod';

export const events = defineTopic('soak.hostile.events', { wrapper: 'event', types: [DeviceEvent, JoinSessionEvent] });
export const texts = defineTopic('soak.hostile.texts', { wrapper: 'text' });
export const blobs = defineTopic('soak.hostile.blobs', { wrapper: 'bytes' });

export const Victim = defineModule('Soak.Victim', {
  messages: { types: [DeviceEvent, JoinSessionEvent] },
  rpc: {
    echo: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 20_000 }),
    read: rpc({ args: [json(z.unknown())], returns: z.null(), timeoutMs: 20_000 }),
  },
});

/** Nobody of ours serves it: whoever does answers what it likes. */
export const Liar = defineService('Soak.Liar', {
  rpc: { ask: rpc({ args: [z.string()], returns: z.int(), timeoutMs: 20_000 }) },
});

/** Keeps what is good apart from what only looks so. */
const GOOD = /^good \d+$/;

@Service(Victim, { uses: [events, texts, blobs, Liar] })
export class VictimService extends TeraService {
  readonly good = { events: new Set<string>(), messages: new Set<string>(), texts: new Set<string>() };
  /** While it is closed handlers wait, and what arrives waits behind them. */
  gate: Promise<void> | undefined;

  @OnEvent(events, DeviceEvent)
  async onEvent({ deviceName }: DeviceEvent) {
    if (GOOD.test(deviceName)) this.good.events.add(deviceName);
    await this.gate;
  }

  @OnEvent(events, JoinSessionEvent)
  async onJoin() {
    await this.gate;
  }

  @OnMessage(Victim.messages, DeviceEvent)
  async onMessage({ deviceName }: DeviceEvent) {
    if (GOOD.test(deviceName)) this.good.messages.add(deviceName);
    await this.gate;
  }

  @OnMessage(Victim.messages, JoinSessionEvent)
  async onJoinMessage() {
    await this.gate;
  }

  @OnPayload(texts)
  async onText(text: string) {
    if (GOOD.test(text)) this.good.texts.add(text);
    await this.gate;
  }

  @OnPayload(blobs)
  onBlob() {}

  @Rpc(Victim.rpc.echo)
  async echo(n: number) {
    await this.gate;
    return n;
  }

  @Rpc(Victim.rpc.read)
  async read() {
    await this.gate;
    return null;
  }

  /** How its own call ended. */
  ask(what: string): Promise<'answered' | 'rejected'> {
    return this.client(Liar)
      .ask(what)
      .then(
        () => 'answered',
        () => 'rejected',
      );
  }
}
