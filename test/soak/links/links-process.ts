// The clients whose links are lost: each publishes numbers, asks what nobody answers, and listens.
import type { Transport } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { serve } from '../run/child-process.js';
import { sharedNow } from '../run/stall-meter.js';

/** Where the numbers go, what nobody answers, and what is listened to. */
export const NUMBERS = 'soak.links.numbers';
export const QUESTIONS = 'soak.links.questions';
export const TICKS = 'soak.links.ticks';

/** How a call on the way ended. */
export interface Settled {
  readonly at: number;
  readonly reason: string | undefined;
  readonly retryable: boolean;
}

/** What a client has seen of its link. */
export interface LinkReport {
  readonly downAt: readonly number[];
  readonly upAt: readonly number[];
}

class Client {
  readonly downAt: number[] = [];
  readonly upAt: number[] = [];
  /** When the last message that was lost with each disconnect was told to be unconfirmed. */
  readonly toldAt: number[] = [];
  readonly rejected: number[] = [];
  readonly unconfirmed: number[] = [];
  readonly settled: Settled[] = [];
  readonly ticksAt: number[] = [];
  attempted = 0;
  open = 0;
  timer: NodeJS.Timeout | undefined;

  constructor(readonly transport: Transport) {
    transport.watch((event) => {
      if (event.kind === 'disconnected') this.downAt.push(sharedNow());
      if (event.kind === 'reconnected') this.upAt.push(sharedNow());
    });
  }

  publish(): void {
    const id = this.attempted++;
    // With which disconnect it would be lost: what is published while there is no link goes out on the next one.
    const lostWith = this.downAt.length;
    this.open += 1;
    const ended = () => {
      this.open -= 1;
    };
    const onUnconfirmed = () => {
      this.unconfirmed.push(id);
      this.toldAt[lostWith] = sharedNow();
    };
    const bytes = Buffer.from(`${id}`);
    this.transport.publish({ topic: NUMBERS, bytes, onUnconfirmed }).then(ended, () => {
      this.rejected.push(id);
      ended();
    });
  }
}

const clients = new Map<number, Client>();
const client = (rig: number) => clients.get(rig) as Client;

const methods = {
  async open({ rig, url }: { rig: number; url: string }) {
    const opened = new Client(await connectNats({ servers: url, name: `rig ${rig}` }));
    await opened.transport.subscribe(TICKS, {}, () => opened.ticksAt.push(sharedNow()));
    clients.set(rig, opened);
  },
  publish({ rig, everyMs }: { rig: number; everyMs: number }) {
    client(rig).timer = setInterval(() => client(rig).publish(), everyMs);
  },
  /** Ends publishing; resolves when it is known of each message what became of it. */
  async finish(rig: number) {
    const { timer, transport } = client(rig);
    clearInterval(timer);
    await transport.flush();
    while (client(rig).open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { attempted, rejected, unconfirmed, toldAt } = client(rig);
    return { attempted, rejected, unconfirmed, toldAt };
  },
  link: (rig: number): LinkReport => ({
    downAt: client(rig).downAt,
    upAt: client(rig).upAt,
  }),
  /** Asks; what it comes to is seen in `settled`. */
  ask({ rig, questions }: { rig: number; questions: number }) {
    const { transport, settled } = client(rig);
    settled.length = 0;
    for (let asked = 0; asked < questions; asked++) {
      transport.request({ topic: QUESTIONS, bytes: new Uint8Array() }, (answer) => {
        if (!BusError.is(answer)) return;
        const { reason, retryable } = answer;
        settled.push({ at: sharedNow(), reason, retryable });
      });
    }
  },
  settled: (rig: number): readonly Settled[] => client(rig).settled,
  /** When the first tick came after a moment. */
  firstTick({ rig, since }: { rig: number; since: number }) {
    const { ticksAt } = client(rig);
    const found = ticksAt.find((at) => at >= since);
    ticksAt.splice(0, Math.max(0, ticksAt.length - 1_000));
    return found;
  },
  close: (rig: number) => client(rig).transport.close(),
};
export type LinksMethods = typeof methods;

if (process.send !== undefined) serve(methods);
