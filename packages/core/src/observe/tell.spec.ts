import { BusError, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { z } from 'zod';
import { defineModule, defineService, OnMessage, Rpc, rpc, Service, TeraService } from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';

const Desk = defineModule('Test.Desk', {
  messages: { types: [UserEvent] },
  rpc: { echo: rpc({ args: [z.string()], returns: z.string() }) },
});
const Asker = defineService('Test.Asker', {});

@Service(Desk)
class DeskService extends TeraService {
  readonly seen: string[] = [];
  @OnMessage(Desk.messages, UserEvent)
  onUser({ userFullname }: UserEvent) {
    this.seen.push(userFullname);
    if (userFullname === 'bad') throw new Error('no');
  }
  @Rpc(Desk.rpc.echo)
  echo(text: string) {
    if (text === 'bad') throw new Error('no');
    return text;
  }
  protected override onStop() {
    throw new Error('no end either');
  }
}

@Service(Asker, { uses: [Desk] })
class AskerService extends TeraService {
  get desk() {
    return this.client(Desk);
  }
  tell(userFullname: string) {
    return this.send(Desk.messages, UserEvent.create({ userFullname }));
  }
}

describe('a host whose observers throw', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.end());

  for (const [what, observer] of Object.entries({
    'at once': () => {
      throw new Error('observer');
    },
    'by a rejection': () => Promise.reject(new Error('observer')),
  })) {
    it(`${what}, and whose log can't be written, works, answers, and ends`, async () => {
      const logger = pino(
        { level: 'debug' },
        {
          write: () => {
            throw new Error('the disk is full');
          },
        },
      );
      const options = { observers: [observer], logger };
      const host = await stage.start(DeskService, options);
      const desk = host.service(DeskService);
      const asker = (await stage.start(AskerService, options)).service(AskerService);
      const failed = rejection(asker.desk.echo('bad'));
      expect(await asker.desk.echo('good')).to.equal('good');
      expect((await failed).reason).to.equal('TERABUS_HANDLER_FAILED');
      await asker.tell('bad');
      await asker.tell('good');
      await stage.settle();
      expect(desk.seen).to.deep.equal(['bad', 'good']);
      stage.broker.interrupt();
      stage.broker.restore();
      expect(host.counters).to.deep.include({ disconnects: 1, handled: 2, failed: 2 });
      expect(await host.stop()).to.deep.include({ running: 0, waiting: 0 });
    });
  }

  it('is told of in the log, by which event it was', async () => {
    await stage.startNobody({
      observers: [
        () => {
          throw new BusError('observer', { code: 'INTERNAL' });
        },
      ],
    });
    stage.broker.interrupt();
    expect(stage.log.filter(({ msg }) => msg === 'an observer failed').map(({ event }) => event)).to.deep.equal([
      'link',
    ]);
  });
});
