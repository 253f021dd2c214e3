import type { Transport } from '@terabus/core/transport';
import { toName } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import type { StreamBus } from '@terabus/testing/conformance';
import { administrator } from '../integration/streams/admin.js';
import { eventually } from '../integration/support/eventually.js';
import { proxyTo } from '../integration/support/proxy.js';

/** A namespace of a server as a bus, with what an administrator of it does. */
export async function streamBus(server: NatsServer, namespace: string): Promise<StreamBus> {
  const proxy = await proxyTo(server.port);
  const options = { servers: server.url, namespace };
  const connections: Transport[] = [];
  const all = (state: 'up' | 'down') =>
    eventually(() => {
      for (const connection of connections) {
        const { state: found } = connection.health();
        if (found !== state && found !== 'closed') throw new Error(`a connection is ${found}`);
      }
    });
  const call = async (operation: string, body?: object) => {
    const admin = await administrator(server.url);
    try {
      const answer = await admin.call(operation, body);
      if (answer.error) throw new Error(JSON.stringify(answer.error));
      return answer;
    } finally {
      await admin.close();
    }
  };
  const named = (name: string) => toName(name, namespace);
  return {
    connect: async () => {
      const connection = await connectNats({ ...options, servers: proxy.url });
      connections.push(connection);
      return connection;
    },
    close: () => proxy[Symbol.asyncDispose](),
    provision: async (plan) => {
      await provision(plan, options);
    },
    deleteStream: async (name) => {
      await call(`STREAM.DELETE.${named(name)}`);
    },
    deleteConsumer: async (stream, consumer) => {
      await call(`CONSUMER.DELETE.${named(stream)}.${named(consumer)}`);
    },
    updateStream: async (name, { maxMessages }) => {
      const { config } = await call(`STREAM.INFO.${named(name)}`);
      await call(`STREAM.UPDATE.${named(name)}`, { ...config, max_msgs: maxMessages });
    },
    interrupt: async () => {
      proxy.accept(false);
      proxy.cut();
      await all('down');
      return async () => {
        proxy.accept(true);
        await all('up');
      };
    },
  };
}
