// A module of which one instance is active. As a program it runs until it is told to stop.
import type { TrackedContext } from '@terabus/core';
import { defineModule, defineTopic, OnMessage, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { runService } from '@terabus/nats';
import { z } from 'zod';

export const Solo = defineModule('Test.Solo', {
  messages: { types: [UserEvent] },
  rpc: { who: rpc({ args: [], returns: z.int(), timeoutMs: 20_000 }) },
});
/** `begin <pid> <n> <verdict>` and `end <pid> <n>` of each handler. */
export const effects = defineTopic('test.solo.effects', { wrapper: 'text' });

@Service(Solo, { uses: [effects] })
export class SoloService extends TeraService {
  protected override onReady() {
    if (process.argv.includes('--run')) process.stdout.write('{"ready":true}\n');
  }
  protected override onActive() {
    if (process.argv.includes('--run')) process.stdout.write('{"active":true}\n');
  }

  @OnMessage(Solo.messages, UserEvent)
  async onUser({ userFullname }: UserEvent, { verdict }: TrackedContext) {
    await this.publish(effects, `begin ${process.pid} ${userFullname} ${verdict.kind}`);
    await new Promise((resolve) => setImmediate(resolve));
    await this.publish(effects, `end ${process.pid} ${userFullname}`);
  }

  @Rpc(Solo.rpc.who)
  who() {
    return process.pid;
  }
}

if (process.argv.includes('--run')) await runService(SoloService);
