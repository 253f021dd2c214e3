import { VirtualClock } from '@terabus/core/memory';
import type { BusError } from '@terabus/core/transport';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { disconnectedError } from './errors.js';
import { Ledger } from './ledger.js';
import type { Link } from './link.js';
import { checkNatsOptions } from './options.js';
import { Outbox } from './outbox.js';
import { Problems } from './problems.js';

describe('what goes out', () => {
  let clock: VirtualClock;
  let sent: string[];
  let pongs: (() => void)[];
  let maxPayloadBytes: number;
  let outbox: Outbox;

  beforeEach(() => {
    [clock, sent, pongs, maxPayloadBytes] = [new VirtualClock(), [], [], 1_000];
    const options = checkNatsOptions({ clock, maxUnconfirmedBytes: 1_400, publishBuffer: { maxBytes: 7_000 } });
    outbox = new Outbox(options, new Problems(() => {}));
    attach();
    outbox.passed('a');
  });

  function attach(): Ledger {
    const link = {
      open: true,
      get maxPayloadBytes() {
        return maxPayloadBytes;
      },
      publish: (subject: string, bytes: Uint8Array) => sent.push(`${subject} ${new TextDecoder().decode(bytes)}`),
      ping: (answered: () => void) => pongs.push(answered),
    } as unknown as Link;
    const ledger = new Ledger(link, clock, {
      passed: (subject) => outbox.passed(subject),
      progressed: () => outbox.pump(),
    });
    outbox.attach({ link, ledger });
    return ledger;
  }

  const pong = () => {
    for (const answered of pongs.splice(0)) answered();
  };
  const publish = (content: string, onUnconfirmed?: (error: BusError) => void) =>
    outbox
      .publish({ subject: 'a', bytes: new TextEncoder().encode(content), confirm: false, onUnconfirmed })
      .then(() => 'sent')
      .catch(({ reason }: BusError) => reason);

  it('overtakes nothing that waits, not even what is published while a refusal is told', async () => {
    void publish('1', () => void publish('last'));
    for (const content of ['2', '3', '4', '5']) void publish(content);
    expect(sent).to.deep.equal(['a 1', 'a 2', 'a 3']);
    outbox.refuse({ operation: 'publish', subject: 'a', queue: undefined, subscription: undefined });
    pong();
    await clock.advance(100);
    pong();
    await clock.advance(100);
    expect(sent).to.deep.equal(['a 1', 'a 2', 'a 3', 'a 4', 'a 5', 'a last']);
  });

  const tell = (content: string) => outbox.tell({ subject: 'ack', bytes: new TextEncoder().encode(content) });
  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));

  it('sends what was told in one turn of the event loop together, in its order', async () => {
    tell('1');
    await Promise.resolve();
    tell('2');
    expect(sent).to.deep.equal([]);
    await loopTurned();
    expect(sent).to.deep.equal(['ack 1', 'ack 2']);
  });

  it('lets nothing overtake what was told', async () => {
    const bytes = new Uint8Array();
    const others = [
      () => publish(''),
      () => outbox.answer({ subject: 'r', bytes }),
      () => outbox.request({ subject: 'q', bytes }, 'here', () => {}),
      () => void outbox.flush(),
    ];
    for (const send of others) {
      tell('');
      void send();
      pong();
      await clock.advance(100);
      pong();
    }
    expect(sent).to.deep.equal(['ack ', 'a ', 'ack ', 'r ', 'ack ', 'q ', 'ack ']);
  });

  it('tells nothing on another link, nor later, what was told on one that is lost', async () => {
    tell('1');
    outbox.detach();
    tell('2');
    attach();
    await loopTurned();
    expect(sent).to.deep.equal([]);
    expect(outbox.waiting.messages).to.equal(0);
  });

  it('keeps no more of what is told than of anything else that waits', async () => {
    for (let n = 0; n < 100; n++) tell('x');
    await loopTurned();
    expect(sent).to.have.length(3);
    expect(outbox.waiting.messages).to.equal(3);
  });

  it('resolves before it is told to be unconfirmed, also when it has waited', async () => {
    outbox.detach();
    const order: string[] = [];
    void outbox
      .publish({ subject: 'a', bytes: new Uint8Array(1), confirm: false, onUnconfirmed: () => order.push('told') })
      .then(() => order.push('resolved'));
    attach().end(disconnectedError());
    await clock.advance(0);
    expect(order).to.deep.equal(['resolved', 'told']);
  });

  it('says why it waited in vain: for a link, or for a server', async () => {
    const slow = ['1', '2', '3', '4'].map((content) => publish(content));
    await clock.advance(5_000);
    expect(await Promise.all(slow)).to.deep.equal(['sent', 'sent', 'sent', 'TERABUS_OVERLOADED']);
    outbox.detach();
    const down = publish('5');
    await clock.advance(5_000);
    expect(await down).to.equal('TERABUS_DISCONNECTED');
  });

  it('is refused before it is made where nothing more may wait, by one error for all of a turn', async () => {
    expect(outbox.refused()).to.equal(undefined);
    for (let n = 0; n < 6; n += 1) void publish('x');
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const refused = outbox.refused();
    expect(refused).to.equal(outbox.refused());
    const error: BusError = await (refused as Promise<never>).catch((reason) => reason);
    expect([error.reason, turned]).to.deep.equal(['TERABUS_OVERLOADED', true]);
    await clock.advance(100);
    pong();
    expect(outbox.refused()).to.equal(undefined);
  });

  it('may be too large for the server that is there in the end', async () => {
    outbox.detach();
    const waiting = publish('x'.repeat(500));
    maxPayloadBytes = 100;
    attach();
    expect(await waiting).to.equal('TERABUS_PAYLOAD_TOO_LARGE');
  });

  it('waits alone where it is larger than all that may wait', async () => {
    outbox.detach();
    maxPayloadBytes = 10_000;
    attach();
    outbox.detach();
    expect(outbox.maxPayloadBytes).to.equal(10_000);
    const [large, second] = [publish('x'.repeat(5_000)), publish('y')];
    expect(await second).to.equal('TERABUS_OVERLOADED');
    attach();
    pong();
    await clock.advance(100);
    pong();
    expect(await large).to.equal('sent');
  });

  it('is known to be granted for one link', async () => {
    expect(await publish('1')).to.equal('sent');
    outbox.detach();
    attach();
    const first = publish('2');
    let resolved = false;
    void first.then(() => {
      resolved = true;
    });
    await clock.advance(0);
    expect([sent.at(-1), resolved]).to.deep.equal(['a 2', false]);
    pong();
    expect(await first).to.equal('sent');
  });
});
