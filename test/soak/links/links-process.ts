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

/** What a client has seen of its link. */
export interface LinkReport {
  readonly downAt: readonly number[];
  readonly upAt: readonly number[];
  /** When the last message was told to be rejected or unconfirmed, for each disconnect. */
  readonly toldAt: readonly number[];
}

class Client {
  readonly downAt: number[] = [];
  readonly upAt: number[] = [];
  readonly toldAt: number[] = [];
  readonly rejected: number[] = [];
  readonly unconfirmed: number[] = [];
  readonly settledAt: number[] = [];
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
    const sentWhile = this.downAt.length;
    this.open += 1;
    const ended = () => {
      this.open -= 1;
    };
    // One that was on its way when the link was lost is told at once; one that came later may wait for the next link.
    const told = () => {
      if (this.downAt.length > sentWhile) this.toldAt[this.downAt.length - 1] = sharedNow();
    };
    const onUnconfirmed = () => {
      this.unconfirmed.push(id);
      told();
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
    const { attempted, rejected, unconfirmed } = client(rig);
    return { attempted, rejected, unconfirmed };
  },
  link: (rig: number): LinkReport => ({
    downAt: client(rig).downAt,
    upAt: client(rig).upAt,
    toldAt: client(rig).toldAt,
  }),
  /** Asks; what it comes to is seen in `settled`. */
  ask({ rig, questions }: { rig: number; questions: number }) {
    const { transport, settledAt } = client(rig);
    settledAt.length = 0;
    for (let asked = 0; asked < questions; asked++) {
      transport.request({ topic: QUESTIONS, bytes: new Uint8Array() }, (answer) => {
        if (BusError.is(answer)) settledAt.push(sharedNow());
      });
    }
  },
  settled: (rig: number) => client(rig).settledAt,
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
