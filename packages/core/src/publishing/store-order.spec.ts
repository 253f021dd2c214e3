import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/index.js';
import type { Stored, StoreMessage } from '../transport/streams.js';
import { StoreLines } from './store-lines.js';

interface Sent {
  readonly message: StoreMessage;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: BusError) => void;
}

/** One server that knows message ids. What a lost link held reaches it late, or never; each link keeps its order. */
class OneServer {
  readonly stored: StoreMessage[] = [];
  #link: Sent[] = [];
  readonly #lost: Sent[][] = [];

  store(message: StoreMessage): Promise<Stored> {
    return new Promise((resolve, reject) => this.#link.push({ message, resolve, reject }));
  }

  get busy(): boolean {
    return this.#link.length > 0;
  }

  /** The next message of the link is stored, and answered to. */
  answer(): void {
    const sent = this.#link.shift();
    if (sent !== undefined) sent.resolve(this.#take(sent.message));
  }

  /** The link is lost behind so many messages that were stored and not answered to. Nobody knows of any of them. */
  lose(unheard: number): void {
    const sent = this.#link;
    this.#link = [];
    for (const { message } of sent.slice(0, unheard)) this.#take(message);
    this.#lost.push(sent.slice(unheard));
    for (const { reject } of sent) reject(new BusError('the link was lost', { reason: 'TERABUS_STORE_UNKNOWN' }));
  }

  /** The next message that a lost link held comes after all. */
  comeLate(which: number): void {
    const sent = this.#lost[which % (this.#lost.length || 1)]?.shift();
    if (sent !== undefined) this.#take(sent.message);
  }

  #take(message: StoreMessage): Stored {
    const known = this.stored.findIndex(({ messageId }) => messageId === message.messageId);
    if (known === -1) this.stored.push(message);
    const sequence = known === -1 ? this.stored.length : known + 1;
    return { stream: message.stream, sequence, duplicate: known !== -1 };
  }
}

describe('the order of what is stored', () => {
  const anyMove = fc.oneof(
    { weight: 6, arbitrary: fc.record({ move: fc.constant('publish' as const), n: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ move: fc.constant('answer' as const), n: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ move: fc.constant('lose' as const), n: fc.nat(6) }) },
    { weight: 3, arbitrary: fc.record({ move: fc.constant('late' as const), n: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ move: fc.constant('wait' as const), n: fc.nat(300) }) },
  );

  it('is that of publishing on each topic, and nothing is lost or doubled, whichever links are lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMove, { maxLength: 120 }), fc.boolean(), async (moves, ordered) => {
        const clock = new VirtualClock();
        const server = new OneServer();
        const lines = new StoreLines({ streams: () => server, clock });
        const published: Promise<Stored>[] = [];
        const publish = (topic: string) => {
          const message = { subject: topic, bytes: new Uint8Array(1), stream: 's', messageId: `${published.length}` };
          const isOrdered = ordered && published.length % 3 === 0;
          const storing = { topic, message, size: 1, timeoutMs: 1e9, deadline: 1e9, ordered: isOrdered };
          published.push(lines.store(storing));
        };
        for (const { move, n } of moves) {
          if (move === 'publish') publish(`topic ${n}`);
          if (move === 'answer') server.answer();
          if (move === 'lose') {
            server.lose(n);
            // No link is there before the loss of the last one is told.
            await clock.advance(0);
          }
          if (move === 'late') server.comeLate(n);
          if (move === 'wait') await clock.advance(n);
        }
        const settled = lines.settled();
        for (let n = 0; n < published.length * 3; n++) {
          server.comeLate(n);
          server.answer();
          if (!server.busy) await clock.advance(1_000);
        }
        await settled;
        const receipts = await Promise.all(published);
        expect(receipts.map(({ sequence }) => server.stored[sequence - 1]?.messageId)).to.deep.equal(
          published.map((_, n) => `${n}`),
        );
        expect(server.stored).to.have.length(published.length);
        for (const topic of ['topic 0', 'topic 1', 'topic 2']) {
          const ids = server.stored
            .filter(({ subject }) => subject === topic)
            .map(({ messageId }) => Number(messageId));
          expect(ids).to.deep.equal(ids.toSorted((one, other) => one - other));
        }
      }),
      { numRuns: 300 },
    );
  });
});
