import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BusError } from '@terabus/messages';
import type { Health } from './health.js';

/** Where the health of a host can be asked for over HTTP. */
export interface HealthOptions {
  /** 0 takes any that is free: `host.healthPort` says which. */
  readonly port: number;
  /**
   * The address to listen at. Defaults to all of the machine: the probes of Kubernetes come from outside of the pod.
   * `127.0.0.1` keeps it for those inside. What is shown holds no content of messages, but names of topics.
   */
  readonly host?: string | undefined;
}

/** Probes come one at a time; beyond this the oldest goes, so that idle ones never keep a probe from its answer. */
const MOST_CONNECTIONS = 16;
/** A probe is one line; whoever takes longer than this to send it is no probe. */
const PATIENCE_MS = 2_000;

/**
 * Answers `GET` and `HEAD` of `/livez` and `/readyz`: 200 or 503, with {@link Health} as JSON. Anything else is not
 * found. It reads no bodies.
 */
export class HealthServer {
  readonly #server: Server;
  /** The oldest first. */
  readonly #sockets = new Set<Socket>();

  constructor(health: () => Health) {
    this.#server = createServer(
      {
        headersTimeout: PATIENCE_MS,
        requestTimeout: PATIENCE_MS,
        connectionsCheckingInterval: PATIENCE_MS,
        maxHeaderSize: 4_096,
        keepAlive: false,
      },
      (request, response) => answer(request, response, health),
    );
    this.#server.on('connection', (socket) => this.#accept(socket));
    // A socket that breaks touches nobody else.
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    // The service keeps the process alive, not its probe.
    this.#server.unref();
  }

  /** @throws BusError `TERABUS_START_FAILED` when the port is taken */
  async listen({ port, host }: HealthOptions): Promise<number> {
    try {
      const listening = once(this.#server, 'listening');
      this.#server.listen({ port, host });
      await listening;
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'somebody else listens there' : `${error}`;
      throw new BusError(`the health of the host can't be shown at port ${port}: ${why}`, {
        reason: 'TERABUS_START_FAILED',
        cause: error,
      });
    }
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size <= MOST_CONNECTIONS) return;
    const [oldest] = this.#sockets;
    oldest?.destroy();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, health: () => Health): void {
  // Each probe is a connection of its own: none stays open that a drain would have to wait for.
  response.setHeader('Connection', 'close');
  const [path] = url.split('?');
  if ((path !== '/livez' && path !== '/readyz') || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(404).end();
    return;
  }
  const state = health();
  const well = path === '/livez' ? state.live : state.ready;
  const body = Buffer.from(`${JSON.stringify(state)}\n`);
  response.writeHead(well ? 200 : 503, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : body);
}
