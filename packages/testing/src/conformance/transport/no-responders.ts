import { expect } from 'chai';
import { describe } from 'mocha';
import { listen } from '../listener.js';
import { ask, askText, message, serve } from '../messages.js';
import type { Suite } from '../suite.js';

export function noResponders({ connect, given }: Suite): void {
  const it = given('noResponders');

  describe('a topic that nobody serves', () => {
    it('fails requests at once, with its name', async () => {
      const client = await connect();
      expect(await ask(client, message('nobody.here'))).to.be.busError('TERABUS_NO_RESPONDERS', 'nobody.here');
    });

    it('fails a request after the call, not inside of it', async () => {
      const client = await connect();
      let inside = true;
      const settledInside = new Promise<boolean>((resolve) =>
        client.request(message('nobody.here'), () => resolve(inside)),
      );
      inside = false;
      expect(await settledInside).to.equal(false);
    });

    it('is one whose last subscription has ended', async () => {
      const [client, server] = [await connect(), await connect()];
      const listener = await listen(server, 'echo');
      await listener.subscription.drain();
      expect(await ask(client, message('echo'))).to.be.busError('TERABUS_NO_RESPONDERS');
    });

    it('is one whose only server has disconnected', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo', () => ({ content: '' }));
      await askText(client, message('echo'));
      await server.close();
      expect(await ask(client, message('echo'))).to.be.busError('TERABUS_NO_RESPONDERS');
    });

    it('is not one that a pattern matches', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo.*', () => ({ content: 'answer' }));
      expect(await askText(client, message('echo.one'))).to.equal('answer');
      expect(await ask(client, message('echo'))).to.be.busError('TERABUS_NO_RESPONDERS');
    });

    it('takes events without complaint', async () => {
      const client = await connect();
      await client.publish(message('nobody.here'));
      await client.flush();
    });
  });
}
