// A program that publishes 200 MB to a server that it has stopped, and says by how much its memory has grown.
import { connectNats } from '@terabus/nats';

const [url = '', pid] = process.argv.slice(2);
const transport = await connectNats({ servers: url, closeTimeoutMs: 50 });
await transport.publish({ topic: 'a', bytes: new Uint8Array(1) });
process.kill(Number(pid), 'SIGSTOP');

// Made before, so that the memory of what is offered does not count.
const offers = Array.from({ length: 200 }, (_, i) => new Uint8Array(100_000).fill(i));
const before = process.memoryUsage().rss;
let most = 0;
for (let i = 0; i < 2_000; i += 1) {
  transport.publish({ topic: 'a', bytes: offers[i % offers.length] as Uint8Array }).catch(() => {});
  if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  most = Math.max(most, process.memoryUsage().rss - before);
}
process.kill(Number(pid), 'SIGCONT');
process.stdout.write(JSON.stringify({ offeredMb: 200, grownMb: most / 1e6 }));
await transport.close();
