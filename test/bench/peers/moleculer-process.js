// Moleculer over NATS, with its own serializer.
import { ServiceBroker } from 'moleculer';
import { checkAnswer, texts } from '../../dist/bench/process/asked.js';
import { contents, plainEnvelope, takePlain, topicName } from '../../dist/bench/process/content.js';
import { serveContender } from '../../dist/bench/process/serve-contender.js';

const SERVICE = 'bench';
const EVENT = 'bench.device';
const topic = topicName(0);

async function start(url, schema) {
  const broker = new ServiceBroker({ nodeID: `bench-${process.pid}`, transporter: url, logger: false });
  if (schema !== undefined) broker.createService({ name: SERVICE, ...schema });
  await broker.start();
  return broker;
}

async function connect(url) {
  const broker = await start(url);
  await broker.waitForServices(SERVICE, 10_000);
  return broker;
}

serveContender({
  events: {
    // It reads the name of the argument: another one than `ctx` would be given something else.
    receive: ({ url }, take) =>
      start(url, { events: { [EVENT]: (ctx) => takePlain(ctx.params, take) } }).then(() => {}),
    async send({ url, setting: { payload } }) {
      const broker = await connect(url);
      const content = contents(payload);
      return { hand: (n) => broker.emit(EVENT, plainEnvelope(topic, content(n))), flush: async () => {} };
    },
  },
  rpc: {
    receive: ({ url }) => start(url, { actions: { echo: (ctx) => ctx.params.text } }).then(() => {}),
    async send({ url, setting: { payload } }) {
      const broker = await connect(url);
      const text = texts(payload);
      return {
        async hand(n) {
          const asked = text(n);
          checkAnswer(await broker.call(`${SERVICE}.echo`, { text: asked }, { timeout: 5_000 }), asked);
        },
        flush: async () => {},
      };
    },
  },
});
