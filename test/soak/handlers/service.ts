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
    meet: rpc({ args: [], returns: z.null(), timeoutMs: TIMEOUT_MS }),
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
  /** The most that ran at once while they waited for each other. */
  readonly met = { events: 0, calls: 0 };
  readonly #waiting = { events: new Set<() => void>(), calls: new Set<() => void>() };

  @OnEvent(delivery, LogEvent)
  onLog({ message }: LogEvent, { signal }: EventContext) {
    return misbehaviours.get(message)?.(signal);
  }

  @OnEvent(delivery, DeviceEvent)
  async onDevice({ deviceName }: DeviceEvent, { signal }: EventContext) {
    if (deviceName === 'meet') await this.#meet('events', signal);
    else this.siblings.add(deviceName);
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
  async meet({ signal }: RpcContext) {
    await this.#meet('calls', signal);
    return null;
  }

  /** Ends when a handler runs in each slot, or when its time is over: with one slot gone they never all meet. */
  async #meet(kind: 'events' | 'calls', signal: AbortSignal) {
    const waiting = this.#waiting[kind];
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      signal.addEventListener('abort', () => {
        waiting.delete(resolve);
        resolve();
      });
      this.met[kind] = Math.max(this.met[kind], waiting.size);
      if (waiting.size === SLOTS) for (const release of waiting) release();
    });
  }
}
