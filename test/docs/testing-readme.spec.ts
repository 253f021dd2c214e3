import { defineModule, defineService, OnMessage, rpc, Service, TeraService, type TrackedContext } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { startHarness, stub, terabusAssertions } from '@terabus/testing';
import { expect, use } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';

use(terabusAssertions);

const Accounts = defineModule('Example.Accounts', {
  rpc: { name_of: rpc({ args: [z.string()], returns: z.string() }) },
});
const Greeter = defineService('Example.Greeter', {
  events: { types: [UserEvent] },
  messages: { types: [UserEvent] },
});

@Service(Greeter, { uses: [Accounts] })
class GreeterService extends TeraService {
  @OnMessage(Greeter.messages, UserEvent)
  async onUser(event: UserEvent, context: TrackedContext) {
    const userFullname = await context.client(Accounts).name_of(event.userUuid);
    await context.publish(Greeter.events, { ...event, userFullname });
  }
}

describe('the greeter', () => {
  it('introduces whoever connects', async () => {
    const accounts = stub(Accounts, { name_of: (uuid) => (uuid === 'ana' ? 'Ana' : 'a stranger') });
    const harness = await startHarness({ services: [GreeterService], stubs: [accounts] });

    await harness.send(Greeter.messages, UserEvent.create({ userUuid: 'ana' }));
    await harness.idle();

    const [introduction] = harness.published(Greeter.events);
    expect(introduction).to.equalMessage(UserEvent.create({ userUuid: 'ana', userFullname: 'Ana' }));
    expect(accounts.calls('name_of')).to.deep.equal([['ana']]);
    await harness.stop();
  });

  it('fails when nobody knows the name', async () => {
    const harness = await startHarness({ services: [GreeterService], stubs: [stub(Accounts)] });

    await harness.send(Greeter.messages, UserEvent.create({ userUuid: 'ana' }));
    await harness.idle();

    const [handling] = harness.received(GreeterService, 'onUser');
    expect(handling?.outcome).to.equal('failed');
    expect(handling?.error).to.be.busError('STUB_UNANSWERED', "no answer for 'name_of'");
    await harness.stop();
  });
});
