import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, and spoils what passes when told to. */
export async function proxyTo(port: number) {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepting = true;
  let deaf: 'server' | 'client' | undefined;
  let accepted = 0;
  const server = createServer((client) => {
    accepted += 1;
    if (!accepting) {
      client.destroy();
      return;
    }
    const upstream = createConnection(port, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on('data', (chunk) => deaf !== 'server' && upstream.write(chunk));
    upstream.on('data', (chunk) => deaf !== 'client' && client.write(chunk));
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const all = (act: (client: Socket, upstream: Socket) => void) => {
    for (const [client, upstream] of [...pairs]) act(client, upstream);
  };

  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return pairs.size;
    },
    /** What is said to one side does not arrive; neither side is told. */
    makeDeaf(side: 'server' | 'client' | undefined) {
      deaf = side;
    },
    /** Says something to all clients as if their server had. */
    inject: (text: string) => all((client) => client.write(text, 'latin1')),
    /** Ends what the server says, as one does that goes in good order. */
    halfClose: () => all((client) => client.end()),
    cut: () => all((client) => client.resetAndDestroy()),
    /** Whether new connections are taken. */
    accept(yes: boolean) {
      accepting = yes;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      all((client) => client.destroy());
      await once(server, 'close');
    },
  };
}
