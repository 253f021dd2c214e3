import { setTimeout as sleep } from 'node:timers/promises';
import type { RpcContext } from '@terabus/core';
import { BusError, defineService, Rpc, rpc, Service, startHost, TeraService, uuid } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';
import { pino } from 'pino';
import { z } from 'zod';

// What can be called at `service.People.rpc`. The schemas check arguments and results, and give both sides their types.
const People = defineService('People', {
  rpc: {
    name_of: rpc({ args: [uuid], returns: z.string() }),
    report: rpc({ args: [z.int()], returns: z.array(z.string()), timeoutMs: 5_000 }),
  },
});

const ANA = '11111111-1111-4111-8111-111111111111';
const NOBODY = '22222222-2222-4222-8222-222222222222';

@Service(People)
class PeopleService extends TeraService {
  readonly #names = new Map([[ANA, 'Ana Roy']]);

  @Rpc(People.rpc.name_of)
  nameOf(id: string) {
    const name = this.#names.get(id);
    if (name === undefined) throw new BusError(`nobody has the id ${id}`, { code: 'NOT_FOUND', details: { id } });
    return name;
  }

  @Rpc(People.rpc.report)
  async report(year: number, context: RpcContext) {
    await sleep(60_000, undefined, { signal: context.signal }); // aborts when the caller's time is over
    return [`${year} was a good year`];
  }
}

const Reception = defineService('Reception', {});

@Service(Reception, { uses: [People] })
class ReceptionService extends TeraService {
  async work() {
    const people = this.client(People);
    console.log(await people.name_of(ANA));

    // An error is a BusError here as it was there: same code, same message, same details.
    await people.name_of(NOBODY).catch((error: BusError) => console.log(error.message, error.details));

    // A bad argument never leaves the caller.
    await people.name_of('Ana').catch((error: BusError) => console.log(error.code, error.reason));

    // The deadline travels with the call, so that the callee stops too.
    await people.report(2025, { timeoutMs: 50 }).catch((error: BusError) => console.log(error.code));
  }
}

const { NATS_URL } = process.env;
const transport = NATS_URL ? await connectNats(natsOptionsFromEnv()) : new MemoryBroker().connect();
const logger = pino(pino.destination(2)); // standard error: the callee's log tells of the failures too
const host = await startHost({ transport, logger, services: [PeopleService, ReceptionService] });
await host.service(ReceptionService).work();
await host.stop();
