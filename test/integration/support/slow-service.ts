// A program that serves slow calls until it is told to stop. With --never its calls never end.
import { defineModule, defineTopic, OnPayload, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { runService } from '@terabus/nats';
import { z } from 'zod';

export const Slow = defineModule('Test.Slow', {
  rpc: { work: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 60_000 }) },
});
export const releases = defineTopic('test.slow.release', { wrapper: 'text' });
export const farewells = defineTopic('test.slow.farewell', { wrapper: 'text' });

const CONCURRENCY = 50;

@Service(Slow, { uses: [releases, farewells], rpc: { concurrency: CONCURRENCY } })
class SlowService extends TeraService {
  #open: (() => void)[] = [];
  #count = 0;

  protected override onReady() {
    process.stdout.write('{"ready":true}\n');
  }
  protected override onDrain() {
    process.stdout.write('{"draining":true}\n');
    if (process.argv.includes('--never')) return;
    // From now on calls end by themselves: each is slow, but no longer than this.
    this.#open.splice(0).forEach((release) => {
      release();
    });
  }
  protected override async onStop() {
    await this.publish(farewells, `${this.#count} answered`);
  }

  #released(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.push(resolve) === CONCURRENCY) process.stdout.write('{"full":true}\n');
    });
  }

  @Rpc(Slow.rpc.work)
  async work(n: number) {
    // Once the drain has begun nothing releases it any more.
    if (this.signal.aborted) await new Promise((resolve) => setImmediate(resolve));
    else await this.#released();
    if (process.argv.includes('--never')) await new Promise(() => {});
    this.#count += 1;
    return n;
  }

  @OnPayload(releases)
  async onRelease() {
    process.stdout.write('{"holding":true}\n');
    await this.#released();
    await this.publish(farewells, 'the handler was finished');
  }
}

if (process.argv.includes('--run')) await runService(SlowService);
