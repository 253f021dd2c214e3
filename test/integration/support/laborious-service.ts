// A program whose handlers do what a program should not: block its process, and write more log than anybody reads.
import { defineModule, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { runService } from '@terabus/nats';
import { z } from 'zod';

export const Laborious = defineModule('Test.Laborious', {
  rpc: {
    block: rpc({ args: [z.int()], returns: z.null(), timeoutMs: 20_000 }),
    log: rpc({ args: [z.int()], returns: z.null(), timeoutMs: 20_000 }),
  },
});

@Service(Laborious)
class LaboriousService extends TeraService {
  protected override onReady() {
    process.stderr.write('ready\n');
  }
  protected override onDrain() {
    process.stderr.write('draining\n');
    return process.argv.includes('--never') ? new Promise<void>(() => {}) : undefined;
  }
  protected override onStop() {
    this.#log(Number(process.env['LAST_LINES'] ?? 0));
  }

  @Rpc(Laborious.rpc.block)
  block(ms: number) {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return null;
  }
  @Rpc(Laborious.rpc.log)
  log(lines: number) {
    this.#log(lines);
    return null;
  }

  #log(lines: number) {
    for (let line = 1; line <= lines; line += 1) this.logger.info({ line }, 'x'.repeat(200));
  }
}

if (process.argv.includes('--run')) await runService(LaboriousService);
