import { VirtualClock } from '@terabus/core/memory';
import { BusError } from '@terabus/core/transport';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { RawMessage } from '../raw-message.js';
import type { JetStream } from './jetstream.js';
import { type Ending, Pull } from './pull.js';

interface Posted {
  readonly subject: string;
  readonly body: Record<string, number>;
  readonly replyTo: string;
  readonly refuse: (error: BusError) => void;
}

/** A request and its place, without a server. */
class FakeJetStream {
  readonly clock = new VirtualClock();
  readonly posted: Posted[] = [];
  readonly places: { readonly deliver: (raw: RawMessage) => void; drained: boolean }[] = [];

  post(subject: string, bytes: Uint8Array, replyTo: string, refuse: (error: BusError) => void) {
    this.posted.push({ subject, body: JSON.parse(Buffer.from(bytes).toString()), replyTo, refuse });
  }

  open(deliver: (raw: RawMessage) => void) {
    const place = { deliver, drained: false };
    this.places.push(place);
    const drain = async () => {
      place.drained = true;
    };
    return { prefix: `place${this.places.length}.`, subscribed: { ready: Promise.resolve(), drain } };
  }
}

describe('a request to be handed out messages', () => {
  let server: FakeJetStream;
  let pull: Pull;
  let endings: Ending[];
  let messages: number;

  beforeEach(async () => {
    server = new FakeJetStream();
    [endings, messages] = [[], 0];
    pull = new Pull(server as unknown as JetStream, 'S.C', {
      message: () => {
        messages += 1;
      },
      alive: () => {},
      ended: (how) => endings.push(how),
    });
    await pull.move();
  });

  const latest = () => server.posted.at(-1) as Posted;
  const hear = (raw: object) => server.places.at(-1)?.deliver(raw as RawMessage);
  const say = (status: number, description = '', subject = latest().replyTo) =>
    hear({ subject, replyTo: undefined, decoded: () => ({ status, description }) });
  const hand = () => hear({ subject: 'ward.events', replyTo: '$JS.ACK.S.C.1.1.1.1000000.0' });

  it('says how many, of how many bytes, for how long, and wants a sign each second', () => {
    pull.ask({ messages: 7, bytes: 1_000 });
    expect(latest()).to.deep.include({
      subject: '$JS.API.CONSUMER.MSG.NEXT.S.C',
      replyTo: 'place1.1',
      body: { batch: 7, expires: 5_000_000_000, idle_heartbeat: 1_000_000_000, max_bytes: 1_000 },
    });
    pull.ask({ messages: 1, bytes: undefined });
    expect(latest().body).to.not.have.property('max_bytes');
  });

  it('ends when it has got all of them', () => {
    pull.ask({ messages: 2, bytes: undefined });
    hand();
    expect([pull.busy, pull.coming?.messages]).to.deep.equal([true, 1]);
    hand();
    expect([messages, pull.busy, ...endings]).to.deep.equal([2, false, 'done']);
  });

  it('ends as its server says', () => {
    const said: [number, string, Ending][] = [
      [404, 'No Messages', 'done'],
      [408, 'Request Timeout', 'done'],
      [409, 'Message Size Exceeds MaxBytes', 'too-large'],
      [409, 'Consumer Deleted', 'refused'],
      [409, 'Exceeded MaxWaiting', 'refused'],
      [400, 'Bad Request', 'refused'],
      [503, '', 'refused'],
    ];
    for (const [status, description] of said) {
      pull.ask({ messages: 1, bytes: undefined });
      say(status, description);
    }
    expect(endings).to.deep.equal(said.map(([, , ending]) => ending));
  });

  it('ends when nothing was heard of it for two seconds, and not before', async () => {
    pull.ask({ messages: 10, bytes: undefined });
    for (let seconds = 0; seconds < 4; seconds += 1) {
      await server.clock.advance(1_500);
      say(100, 'Idle Heartbeat');
    }
    await server.clock.advance(1_500);
    hand();
    expect(endings).to.deep.equal([]);
    await server.clock.advance(3_000);
    expect([pull.busy, ...endings]).to.deep.equal([false, 'silent']);
    await server.clock.advance(10_000);
    expect(endings).to.deep.equal(['silent']);
  });

  it('ends when it may not be made', () => {
    pull.ask({ messages: 1, bytes: undefined });
    const error = new BusError('no', { reason: 'TERABUS_NATS_FORBIDDEN' });
    latest().refuse(error);
    expect([pull.refusal, ...endings]).to.deep.equal([error, 'refused']);
  });

  it('is not ended by what is said of one before it', () => {
    pull.ask({ messages: 1, bytes: undefined });
    const { replyTo } = latest();
    pull.forget();
    pull.ask({ messages: 1, bytes: undefined });
    say(408, 'Request Timeout', replyTo);
    expect([pull.busy, ...endings]).to.deep.equal([true]);
  });

  it('moves to another place, and hears at the last one what is still on its way', async () => {
    pull.ask({ messages: 5, bytes: undefined });
    await pull.move();
    expect(server.places.map(({ drained }) => drained)).to.deep.equal([true, false]);
    pull.ask({ messages: 5, bytes: undefined });
    expect(latest().replyTo).to.equal('place2.2');
    server.places[0]?.deliver({ subject: 'ward.events', replyTo: '$JS.ACK.S.C.1.1.1.1000000.0' } as RawMessage);
    expect([messages, pull.coming?.messages], 'it counts for no request').to.deep.equal([1, 5]);
  });
});
