import { defineModule, openBus, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { Ledger, schedule, startProxy } from '@terabus/testing/chaos';
import { describe, it } from 'mocha';
import { z } from 'zod';

const Archive = defineModule('Example.Archive', {
  rpc: { keep: rpc({ args: [z.string()], returns: z.null(), timeoutMs: 100 }) },
});
const ledger = new Ledger();

@Service(Archive)
class ArchiveService extends TeraService {
  @Rpc(Archive.rpc.keep)
  keep(id: string) {
    ledger.seen(id);
    return null;
  }
}

describe('the archive', () => {
  it('has what it said it has, whatever happens to the server and to its connection', async () => {
    await using server = await startNatsServer();
    await using proxy = await startProxy({ target: server.port });
    const through = await connectNats({ servers: proxy.url });
    const host = await startHost({ transport: through, services: [ArchiveService], logLevel: 'silent' });
    const transport = await connectNats({ servers: server.url });
    const archive = openBus({ transport, source: 'service.Import' }).client(Archive);

    const faults = schedule({
      faults: {
        crash: () => server.kill().then(() => server.restart()),
        hang: async ({ random, wait }) => {
          await server.pause();
          await wait(random.integer(10, 300));
          server.resume();
        },
        cut: () => proxy.cut({ once: true }),
        partition: async ({ random, wait }) => {
          proxy.blackhole(random.pick(['to-server', 'to-client', 'both']));
          await wait(random.integer(10, 300));
          proxy.pass();
        },
      },
      everyMs: [50, 200],
      count: 6,
    });

    let isOver = false;
    const keepOne = async () => {
      const id = ledger.attempt('import');
      try {
        await archive.keep(id);
        ledger.acknowledged(id);
        return true;
      } catch {
        ledger.unconfirmed(id); // a call that failed may have been handled all the same
        return false;
      }
    };
    const keepOn = async () => {
      let isKept = false;
      while (!isOver || !isKept) isKept = await keepOne();
    };
    const performed = faults.run().finally(() => {
      isOver = true;
    });
    await Promise.all([performed, keepOn()]);

    await transport.close();
    await host.stop();
    console.log(`${ledger}`);
    ledger.check(); // throws when something was lost, handled twice, or never sent
  });
});
