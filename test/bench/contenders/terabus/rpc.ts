import { defineService, Rpc, rpc as rpcOf, Service, TeraService } from '@terabus/core';
import { z } from 'zod';
import { checkAnswer, texts } from '../../process/asked.js';
import type { Sides } from '../../process/contender.js';
import { type Flavor, start } from './flavor.js';

const Echo = defineService('Bench', {
  rpc: { echo: rpcOf({ args: [z.string()], returns: z.string(), timeoutMs: 5_000 }) },
});

function echoOf({ calls }: Flavor) {
  @Service(Echo, { rpc: calls })
  class EchoService extends TeraService {
    @Rpc(Echo.rpc.echo)
    echo(text: string) {
      return text;
    }
  }
  return EchoService;
}

@Service(defineService('Bench.Caller', {}), { uses: [Echo] })
class CallerService extends TeraService {
  echoes() {
    return this.client(Echo);
  }
}

export const rpc = (flavor: Flavor): Sides => ({
  receive: ({ url }) => start(url, [echoOf(flavor)], flavor),
  async send({ url, setting: { payload } }) {
    const host = await start(url, [CallerService], flavor);
    const echoes = host.service(CallerService).echoes();
    const text = texts(payload);
    return {
      async hand(n) {
        const asked = text(n);
        checkAnswer(await echoes.echo(asked), asked);
      },
      flush: async () => {},
    };
  },
});
