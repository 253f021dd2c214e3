import { defineModule, openBus, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { Ledger, schedule, startProxy } from '@terabus/testing/chaos';
import { describe, it } from 'mocha';
import { z } from 'zod';

const Archive = defineModule('Example.Archive', {
  rpc: { keep: rpc({ args: [z.string()], returns: z.boolean(), timeoutMs: 100 }) },
});
const ledger = new Ledger();

@Service(Archive)
class ArchiveService extends TeraService {
  @Rpc(Archive.rpc.keep)
  keep(id: string) {
    ledger.seen(id);
    return true;
  }
}

describe('the archive', () => {
  it('has what it said it has, whatever happens to the server and to its connection', async () => {
    await using server = await startNatsServer();
    await using proxy = await startProxy({ target: server.port });
    const throughProxy = await connectNats({ servers: proxy.url });
    const host = await startHost({ transport: throughProxy, services: [ArchiveService], logLevel: 'silent' });
    const transport = await connectNats({ servers: server.url });
    const archive = openBus({ transport, source: 'service.Import' }).client(Archive);

    const faults = schedule({
      faults: {
        crash: () => server.kill().then(() => server.restart()),
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
    const over = new AbortController();
    const keepOn = async () => {
      // Until the faults are over and one comes through again.
      for (let isKept = false; !over.signal.aborted || !isKept; ) {
        const id = ledger.attempt('import');
        isKept = await archive.keep(id).catch(() => false);
        if (isKept) ledger.acknowledged(id);
        else ledger.unconfirmed(id); // a call that failed may have been handled all the same
      }
    };
    await Promise.all([faults.run().finally(() => over.abort()), keepOn()]);

    await transport.close();
    await host.stop();
    console.log(`${ledger}`);
    ledger.check(); // throws when something was lost, handled twice, or never sent
  }).timeout(20_000);
});
