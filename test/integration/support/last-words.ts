// A program that publishes, and ends before the event loop turns again.
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';

const transport = await connectNats(natsOptionsFromEnv());
const say = (text: string) => transport.publish({ topic: 'words', bytes: Buffer.from(text) });
// The first one on a subject waits for the server.
await say('first');
await say('last');
if (process.argv.includes('--throw')) throw new Error('the end');
process.exit(0);
