import { BusError, defineService, Rpc, type RpcContext, rpc, Service, TeraService } from '@terabus/core';
import { encodeRpcRequest, toRpcValue } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { askText, bytes, failure } from '../messages.js';
import { Archive, Office, officeService } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const ANA = '11111111-1111-4111-8111-111111111111';

/** {@link Office} as somebody sees it who has an older or a newer contract. */
const OtherOffice = defineService('Conformance.Office', {
  rpc: {
    vanished: rpc({ args: [], returns: z.void() }),
    constructor: rpc({ args: [], returns: z.void() }),
    name_of: rpc({ args: [z.string()], returns: z.number() }),
    add: rpc({ args: [z.string()], returns: z.number() }),
  },
});

const Relay = defineService('Conformance.Relay', {
  rpc: { relay: rpc({ args: [], returns: z.string(), timeoutMs: 5_000 }) },
});

export function calls({ host, speaker, gate, given }: ServiceSuite): void {
  describe('calls', () => {
    it('get what the method returns, typed by the contract', async () => {
      await host([officeService({ name_of: async (id) => (id === ANA ? 'Ana' : null) })]);
      const office = (await speaker()).client(Office);
      expect(await office.add(0.1, 2)).to.equal(2.1);
      expect(await office.name_of(ANA)).to.equal('Ana');
      expect(await office.name_of('22222222-2222-4222-8222-222222222222')).to.equal(null);
    });

    it('find out at once that a method is unknown, by whatever name', async () => {
      await host([officeService()]);
      const other = (await speaker()).client(OtherOffice);
      for (const call of [other.vanished, other.constructor]) {
        expect(await failure((call as () => Promise<void>)())).to.be.busError('TERABUS_RPC_METHOD_UNKNOWN', 'name_of');
      }
    });

    it('find out that arguments or result are not those of the contract', async () => {
      await host([officeService({ name_of: () => 'Ana' })]);
      const other = (await speaker()).client(OtherOffice);
      expect(await failure(other.add('1'))).to.be.busError('TERABUS_RPC_ARGUMENTS');
      expect(await failure(other.name_of('no uuid'))).to.be.busError('TERABUS_RPC_ARGUMENTS');
      expect(await failure(other.name_of(ANA))).to.be.busError('TERABUS_RPC_RESULT');
    });

    it('get a BusError as it was thrown: code, reason, message, details', async () => {
      const name_of = () => {
        throw new BusError('no such person', { code: 'NOT_FOUND', reason: 'PERSON_UNKNOWN', details: { id: 7 } });
      };
      await host([officeService({ name_of })]);
      const error = await failure((await speaker()).client(Office).name_of(ANA));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'PERSON_UNKNOWN', rawMessage: 'no such person' });
      expect(error).to.have.deep.property('details', { id: 7 });
    });

    it('get nothing of another error but an id, under which the log of the callee has it', async () => {
      const name_of = () => {
        throw new TypeError('password is swordfish');
      };
      const { logs } = await host([officeService({ name_of })]);
      const error = await failure((await speaker()).client(Office).name_of(ANA));
      expect(error).to.be.busError('TERABUS_HANDLER_FAILED');
      expect(error).to.have.property('code', 'INTERNAL');
      expect(JSON.stringify(error)).to.not.contain('swordfish');
      const { errorId } = (error as BusError).details as { errorId: string };
      const line = logs.find((each) => each['errorId'] === errorId);
      expect(JSON.stringify(line)).to.contain('swordfish');
    });

    given('noResponders')('find out at once that nobody serves the contract', async () => {
      expect(await failure((await speaker()).client(Office).name_of(ANA))).to.be.busError('TERABUS_NO_RESPONDERS');
    });

    it('end when their caller gives them up, whatever the callee does', async () => {
      const log = new Log();
      const door = gate();
      const work = async (what: string) => {
        log.add(what);
        await door.opened;
        return 'too late';
      };
      await host([officeService({ work })]);
      const office = (await speaker()).client(Office);
      const controller = new AbortController();
      const call = failure(office.work('x', { signal: controller.signal }));
      await log.first(1);
      controller.abort();
      expect(await call).to.be.busError('TERABUS_RPC_CANCELLED');
      expect(await failure(office.work('y', { signal: AbortSignal.abort() }))).to.be.busError('TERABUS_RPC_CANCELLED');
      door.open();
      expect(await office.add(1, 2)).to.equal(3);
      expect(log.entries).to.deep.equal(['x']);
    });

    given('headers')('through a context hand on the time that is left, the cause and the trace', async () => {
      const seen = new Log<RpcContext>();
      const name_of = (_: string, context: RpcContext) => {
        seen.add(context);
        return 'Ana';
      };
      @Service(Relay, { uses: [Office] })
      class RelayService extends TeraService {
        @Rpc(Relay.rpc.relay)
        async relay(context: RpcContext) {
          const [own, chained] = [await this.client(Office).name_of(ANA), await context.client(Office).name_of(ANA)];
          seen.add(context);
          return `${own} ${chained}`;
        }
      }
      await host([officeService({ name_of })]);
      await host([RelayService]);
      const bus = await speaker();
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      expect(await bus.client(Relay).relay({ timeoutMs: 2_000, headers: { traceparent } })).to.equal('Ana Ana');
      const [own, chained, outer] = seen.entries as [RpcContext, RpcContext, RpcContext];
      const allowedMs = (context: RpcContext) => Number(context.headers.get('Terabus-Timeout-Ms'));
      expect(allowedMs(outer)).to.be.greaterThan(0).and.at.most(2_000);
      // A chain of its own has the method's own 10 seconds.
      expect(allowedMs(own)).to.be.greaterThan(2_000).and.at.most(10_000);
      expect(allowedMs(chained)).to.be.greaterThan(0).and.at.most(2_000);
      expect([own.causeId, chained.causeId]).to.deep.equal([undefined, outer.messageId]);
      expect(chained.headers.get('traceparent')).to.equal(traceparent);
    });

    it('of plain callers get OpenTera’s JSON with all five keys, and more only when they fail', async () => {
      await host([officeService({ name_of: () => 'Ana' })]);
      const { transport } = await speaker();
      const ask = async (method: string, ...args: (string | number)[]) => {
        const request = { method, replyTo: '', id: 9_007_199_254_740_993n, timestamp: 1, args: args.map(toRpcValue) };
        return askText(transport, { topic: Office.rpc.name_of.topic, bytes: encodeRpcRequest(request) });
      };
      const head = (method: string) =>
        `{"method": "${method}", "id": 9007199254740993, "pattern": "${Office.address}.rpc"`;
      expect(await ask('name_of', ANA)).to.equal(`${head('name_of')}, "status": "OK", "return_value": "Ana"}`);
      expect(await ask('add', 1, 2)).to.equal(`${head('add')}, "status": "OK", "return_value": 3}`);
      expect(await ask('vanished'))
        .to.match(
          /^\{"method": "vanished", "id": 9007199254740993, .*"status": "Error", "return_value": null, "error": /,
        )
        .and.to.contain('"code":"UNIMPLEMENTED"');
    });

    it('that are no RPCMessage are answered so, and hurt nobody', async () => {
      await host([officeService()]);
      const { transport, client } = await speaker();
      const answer = JSON.parse(await askText(transport, { topic: Office.rpc.add.topic, bytes: bytes('call me') }));
      expect(answer).to.include({ status: 'Error', return_value: null });
      expect(answer.error.reason).to.equal('TERABUS_RPC_REQUEST');
      expect(await client(Office).add(1, 2)).to.equal(3);
    });

    it('of what a service does not declare are refused before anything is sent', async () => {
      @Service(Archive)
      class Secretive extends TeraService {
        ask() {
          return this.client(Office).name_of(ANA);
        }
      }
      const { host: running } = await host([Secretive, officeService()]);
      expect(await failure(running.service(Secretive).ask())).to.be.busError('TERABUS_NOT_DECLARED');
    });
  });
}
