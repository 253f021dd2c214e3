import type { EventContext, RpcContext } from '@terabus/core';
import { defineService, defineTopic, from, OnEvent, OnPayload, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { DeviceEvent, LogEvent } from '@terabus/messages';
import { z } from 'zod';
import { misbehaviours } from './misbehaviour.js';

/** How many handlers run at once, in the group of events and among the calls. */
export const SLOTS = 64;
/** Long enough for handlers that wait for each other, on a busy machine too. */
const TIMEOUT_MS = 250;
export const ABANDON_AFTER_MS = 250;

/** A LogEvent names the misbehaviour; a DeviceEvent is a neighbour in the same group, even in the same envelope. */
export const mixed = defineTopic('soak.handlers.mixed', { wrapper: 'event', types: [LogEvent, DeviceEvent] });
export const neighbours = defineTopic('soak.handlers.neighbours', { wrapper: 'text' });

export const Handlers = defineService('Soak.Handlers', {
  rpc: {
    misbehave: rpc({ args: [z.string()], returns: z.null(), timeoutMs: TIMEOUT_MS }),
    echo: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 10_000 }),
    meet: rpc({ args: [], returns: z.int(), timeoutMs: 10_000 }),
  },
});

const delivery = from(mixed, { concurrency: SLOTS, timeoutMs: TIMEOUT_MS, abandonAfterMs: ABANDON_AFTER_MS });

@Service(Handlers, {
  uses: [mixed, neighbours],
  rpc: { concurrency: SLOTS, abandonAfterMs: ABANDON_AFTER_MS },
})
export class HandlersService extends TeraService {
  readonly siblings = new Set<string>();
  readonly neighbours = new Set<string>();
  /** How many met in the group of events. */
  met = 0;
  #meeting: (() => void)[] = [];
  #calling: (() => void)[] = [];

  @OnEvent(delivery, LogEvent)
  onLog({ message }: LogEvent, { signal }: EventContext) {
    return misbehaviours.get(message)?.(signal);
  }

  @OnEvent(delivery, DeviceEvent)
  async onDevice({ deviceName }: DeviceEvent) {
    if (deviceName !== 'meet') this.siblings.add(deviceName);
    else await this.#meet(this.#meeting, () => (this.met += 1));
  }

  @OnPayload(neighbours)
  onNeighbour(text: string) {
    this.neighbours.add(text);
  }

  @Rpc(Handlers.rpc.misbehave)
  async misbehave(name: string, { signal }: RpcContext) {
    await misbehaviours.get(name)?.(signal);
    return null;
  }

  @Rpc(Handlers.rpc.echo)
  echo(n: number) {
    return n;
  }

  @Rpc(Handlers.rpc.meet)
  async meet() {
    await this.#meet(this.#calling, () => undefined);
    return SLOTS;
  }

  /** Ends when a handler runs in each slot: with one slot gone it never does. */
  async #meet(waiting: (() => void)[], arrived: () => void) {
    arrived();
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === SLOTS) for (const release of waiting.splice(0)) release();
    });
  }
}
