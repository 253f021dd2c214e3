// NestJS microservices over NATS, with their own serializers.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, EventPattern, MessagePattern, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { checkAnswer, texts } from '../../dist/bench/process/asked.js';
import { contents, plainEnvelope, takePlain, topicName } from '../../dist/bench/process/content.js';
import { serveContender } from '../../dist/bench/process/serve-contender.js';

const topic = topicName(0);
const ECHO = 'bench.echo';

/** What `@Controller()` and a decorated method make of a class. */
async function listen(url, decorator, handler) {
  class Bench {
    handle(data) {
      return handler(data);
    }
  }
  decorator(Bench.prototype, 'handle', Object.getOwnPropertyDescriptor(Bench.prototype, 'handle'));
  Controller()(Bench);
  class App {}
  Module({ controllers: [Bench] })(App);
  const app = await NestFactory.createMicroservice(App, {
    transport: Transport.NATS,
    options: { servers: [url] },
    logger: ['error'],
  });
  await app.listen();
  await app.unwrap().flush();
}

async function connect(url) {
  const client = ClientProxyFactory.create({ transport: Transport.NATS, options: { servers: [url] } });
  await client.connect();
  return client;
}

serveContender({
  events: {
    receive: ({ url }, take) => listen(url, EventPattern(topic), (envelope) => takePlain(envelope, take)),
    async send({ url, setting: { payload } }) {
      const client = await connect(url);
      const content = contents(payload);
      return {
        hand: (n) => client.emit(topic, plainEnvelope(topic, content(n))),
        flush: () => client.unwrap().flush(),
      };
    },
  },
  rpc: {
    receive: ({ url }) => listen(url, MessagePattern(ECHO), ({ text }) => text),
    async send({ url, setting: { payload } }) {
      const client = await connect(url);
      const text = texts(payload);
      return {
        async hand(n) {
          const asked = text(n);
          checkAnswer(await firstValueFrom(client.send(ECHO, { text: asked })), asked);
        },
        flush: () => client.unwrap().flush(),
      };
    },
  },
});
