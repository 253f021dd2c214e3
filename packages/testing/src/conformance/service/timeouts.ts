import { type EventContext, from, OnPayload, Service, TeraService } from '@terabus/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { Archive, notes, Office, officeService } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const TIMEOUT_MS = 40;
const ABANDON_MS = 40;

export function timeouts({ host, speaker, gate, pass, given }: ServiceSuite): void {
  async function slow() {
    const log = new Log();
    const door = gate();
    @Service(Archive)
    class Slow extends TeraService {
      @OnPayload(from(notes, { timeoutMs: TIMEOUT_MS, abandonAfterMs: ABANDON_MS }))
      async onNote(text: string, { signal }: EventContext) {
        log.add(`begin ${text}`);
        if (text !== 'slow') return;
        signal.addEventListener('abort', () => log.add(`abort: ${signal.reason.reason}`));
        await door.opened;
        log.add('end slow');
      }
    }
    const watched = await host([Slow], {
      observers: [
        (event) => {
          if (event.kind === 'handled') log.add(`handled: ${event.error?.reason ?? 'well'}`);
          if (event.kind === 'abandoned') log.add('abandoned');
        },
      ],
    });
    const bus = await speaker();
    await bus.publish(notes, 'slow');
    await bus.publish(notes, 'next');
    await log.first(1);
    return { log, door, ...watched };
  }

  describe('time', () => {
    it('that runs out makes a handler fail and aborts its signal, and it keeps its slot until it is abandoned', async () => {
      const { log, host: running } = await slow();
      await pass(TIMEOUT_MS);
      await log.first(3);
      await pass(ABANDON_MS);
      await log.first(6);
      expect(log.entries).to.deep.equal([
        'begin slow',
        'handled: TERABUS_HANDLER_TIMEOUT',
        'abort: TERABUS_HANDLER_TIMEOUT',
        'abandoned',
        'begin next',
        'handled: well',
      ]);
      expect(running.counters).to.include({ failed: 1, handled: 1, abandoned: 1 });
    });

    it('that ran out is over when the handler ends late: the slot is given back at once, and nobody is abandoned', async () => {
      const { log, door, host: running } = await slow();
      await pass(TIMEOUT_MS);
      await log.until((entry) => entry.startsWith('abort'));
      door.open();
      await log.until((entry) => entry === 'handled: well');
      await pass(ABANDON_MS);
      expect(log.entries.slice(3)).to.deep.equal(['end slow', 'begin next', 'handled: well']);
      expect(running.counters).to.include({ failed: 1, handled: 1, abandoned: 0 });
    });

    given('headers')('of a call is the caller’s: a method is cut short when nobody waits any more', async () => {
      const log = new Log();
      const door = gate();
      const work = async (_: string, { signal, remainingMs }: { signal: AbortSignal; remainingMs: number }) => {
        log.add(remainingMs > 0 && remainingMs <= TIMEOUT_MS ? 'has what the caller gave' : `has ${remainingMs} ms`);
        signal.addEventListener('abort', () => log.add('abort'));
        await door.opened;
        return '';
      };
      await host([officeService({ work })]);
      const bus = await speaker();
      const call = failure(bus.client(Office).work('x', { timeoutMs: TIMEOUT_MS }));
      await log.first(1);
      await pass(TIMEOUT_MS);
      const error = await call;
      expect(error).to.have.property('code', 'DEADLINE_EXCEEDED');
      expect(await log.first(2)).to.deep.equal(['has what the caller gave', 'abort']);
    });

    it('of a call ends the wait for a callee that hangs', async () => {
      const asked = new Log();
      const hung = await speaker();
      // The address of the contract, and nobody behind it who answers.
      await hung.transport.subscribe(Office.rpc.work.topic, {}, () => asked.add('asked'));
      const bus = await speaker();
      const call = failure(bus.client(Office).work('x', { timeoutMs: TIMEOUT_MS }));
      await asked.first(1);
      await pass(TIMEOUT_MS);
      expect(await call).to.be.busError('TERABUS_RPC_TIMEOUT');
    });
  });
}
