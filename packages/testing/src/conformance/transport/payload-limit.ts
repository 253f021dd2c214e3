import type { Inbound, Transport } from '@terabus/core/transport';
import { headersSize } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe } from 'mocha';
import { listen } from '../listener.js';
import { ask, failure, message, replyTo } from '../messages.js';
import type { Suite } from '../suite.js';

const HEADERS = new Map([
  ['name', 'value'],
  ['unicode', 'é🐙'],
]);

/** A message that is larger by `excess` bytes than what may be sent. */
function oversized(transport: Transport, excess: number, headers?: ReadonlyMap<string, string>) {
  const length = transport.maxPayloadBytes - headersSize(headers) + excess;
  return { topic: 'large', bytes: new Uint8Array(length).fill(7), headers };
}

export function payloadLimit({ connect, given }: Suite): void {
  const it = given('payloadLimit');

  describe('the largest message', () => {
    it('arrives whole', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'large');
      const sent = oversized(alice, 0);
      await alice.publish(sent);
      const [received] = await listener.first(1);
      expect(received && Buffer.compare(received.bytes, sent.bytes)).to.equal(0);
    });

    it('arrives whole with headers, which count', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'large');
      const sent = oversized(alice, 0, HEADERS);
      await alice.publish(sent);
      const [received] = await listener.first(1);
      expect(received && Buffer.compare(received.bytes, sent.bytes)).to.equal(0);
      expect(received?.headers).to.deep.equal(HEADERS);
    });

    for (const [what, headers] of [
      ['', undefined],
      [' with headers', HEADERS],
    ] as const) {
      it(`is refused${what} when one byte is added, and the connection lives`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(bob, 'large');
        const error = await failure(alice.publish(oversized(alice, 1, headers)));
        expect(error).to.be.busError('TERABUS_PAYLOAD_TOO_LARGE');
        await alice.publish(message('large', 'small'));
        expect(await listener.textsFrom(alice)).to.deep.equal(['small']);
      });
    }

    it('is the largest request', async () => {
      const alice = await connect();
      expect(await ask(alice, oversized(alice, 1))).to.be.busError('TERABUS_PAYLOAD_TOO_LARGE');
    });

    it('is the largest answer', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'echo');
      const answer = ask(alice, message('echo'));
      const [request] = await listener.first(1);
      const place = replyTo(request as Inbound);
      expect(await failure(bob.respond(place, oversized(bob, 1).bytes))).to.be.busError('TERABUS_PAYLOAD_TOO_LARGE');
      await bob.respond(place, oversized(bob, 0).bytes);
      expect(await answer)
        .to.have.property('bytes')
        .with.lengthOf(bob.maxPayloadBytes);
    });
  });
}
