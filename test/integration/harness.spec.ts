import {
  Clock,
  defineModule,
  defineTopic,
  OnMessage,
  OnPayload,
  Rpc,
  rpc,
  Service,
  TeraService,
  type TrackedContext,
} from '@terabus/core';
import { DeviceEvent, UserEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import {
  type Harness,
  type HarnessOptions,
  type NatsServer,
  startHarness,
  startNatsServer,
  stub,
  terabusAssertions,
} from '@terabus/testing';
import { expect, use } from 'chai';
import { inject } from 'inversify';
import { after, before, describe, it } from 'mocha';
import { z } from 'zod';

use(terabusAssertions);

const Accounts = defineModule('Both.Accounts', {
  messages: { types: [UserEvent] },
  rpc: { name_of: rpc({ args: [z.string()], returns: z.string() }) },
});
const steps = defineTopic('both.steps', { wrapper: 'text' });
const Desk = defineModule('Both.Desk', {
  messages: { types: [UserEvent, DeviceEvent] },
  rpc: { twice: rpc({ args: [z.number()], returns: z.number() }) },
});

@Service(Desk, { uses: [Accounts, steps] })
class DeskService extends TeraService {
  readonly ended: string[] = [];
  constructor(@inject(Clock) private readonly time: Clock) {
    super();
  }

  @OnMessage(Desk.messages, UserEvent)
  async onUser(event: UserEvent, context: TrackedContext) {
    await context.publish(steps, await context.client(Accounts).name_of(event.userUuid));
  }

  /** From one step to the next over the wire, ten times. */
  @OnPayload(steps)
  async onStep(text: string) {
    if (text.length < 12) await this.publish(steps, `${text}!`);
    else await this.send(Accounts.messages, UserEvent.create({ userUuid: text }));
  }

  @OnMessage(Desk.messages, DeviceEvent)
  async onDevice({ deviceName }: DeviceEvent) {
    await new Promise<void>((resolve) => this.time.setTimer(5_000, resolve));
    this.ended.push(deviceName);
  }

  @Rpc(Desk.rpc.twice)
  twice(n: number) {
    return n * 2;
  }
}

describe('one test', () => {
  let server: NatsServer;
  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  let cases = 0;
  const transports: Readonly<Record<string, () => Pick<HarnessOptions, 'transport'>>> = {
    memory: () => ({}),
    nats: () => {
      cases += 1;
      const namespace = `case${cases}`;
      return { transport: () => connectNats({ servers: server.url, namespace }) };
    },
  };

  for (const [name, options] of Object.entries(transports)) {
    describe(`over ${name}`, () => {
      const accounts = () => stub(Accounts, { name_of: () => 'Ana' });
      const run = async (story: (harness: Harness, stubbed: ReturnType<typeof accounts>) => Promise<void>) => {
        const stubbed = accounts();
        await using harness = await startHarness({
          ...options(),
          services: [DeskService],
          stubs: [stubbed],
          patienceMs: 100,
        });
        await story(harness, stubbed);
      };

      it('is idle when all that followed from a message has been handled', () =>
        run(async (harness, stubbed) => {
          await harness.send(Desk.messages, UserEvent.create());
          await harness.idle();
          expect(stubbed.messages.map(({ userUuid }) => userUuid)).to.deep.equal(['Ana!!!!!!!!!']);
          expect(harness.published(steps)).to.have.lengthOf(10);
          expect(harness.sent(Accounts.messages)).to.have.lengthOf(1);
          expect(harness.received(DeskService, 'onStep')).to.have.lengthOf(10);
        }));

      it('is idle after a thousand messages as well', () =>
        run(async (harness) => {
          for (let n = 0; n < 1_000; n += 1) await harness.publish(steps, 'the last of the steps');
          await harness.idle();
          expect(harness.received(DeskService, 'onStep')).to.have.lengthOf(1_000);
          expect(await harness.client(Desk).twice(21)).to.equal(42);
        }));

      it('has virtual time, and is told who waits for it', () =>
        run(async (harness) => {
          await harness.send(Desk.messages, DeviceEvent.create({ deviceName: 'D' }));
          const error = await harness.idle().catch((thrown: Error) => thrown);
          expect(error).to.be.busError('HARNESS_STUCK', 'DeskService.onDevice of module.Both.Desk');
          await harness.clock.advance(5_000);
          await harness.idle();
          expect(harness.service(DeskService).ended).to.deep.equal(['D']);
        }));
    });
  }
});
