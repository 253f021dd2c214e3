import { isIP } from 'node:net';
import { parseServerUrl, type ServerUrl } from './server-url.js';

/** A server that can be dialled. */
export interface PoolServer {
  readonly host: string;
  readonly port: number;
  /** For events and errors. */
  readonly printable: string;
  /**
   * Whose certificate it shows: servers that a cluster names have that of the one that named them, if it has a name; an
   * address is nobody else's.
   */
  readonly tlsName: string;
}

/** More members of a cluster are not remembered: the list comes from outside. */
const MOST_LEARNED = 64;

/** The servers of the options, and those that they name as members of their cluster, one after another. */
export class ServerPool {
  readonly #configured: readonly PoolServer[];
  #learned: readonly PoolServer[] = [];
  #next = 0;

  constructor(servers: readonly ServerUrl[]) {
    this.#configured = servers.map((server) => poolServer(server));
    // So that the clients of a cluster don't all go to its first server.
    this.#next = Math.floor(Math.random() * servers.length);
  }

  get size(): number {
    return this.#configured.length + this.#learned.length;
  }

  next(): PoolServer {
    const all = [...this.#configured, ...this.#learned];
    const server = all[this.#next % all.length] as PoolServer;
    this.#next = (this.#next + 1) % all.length;
    return server;
  }

  /** Takes the members of the cluster as `from` names them, in place of those named before. */
  learn(addresses: readonly string[], from: PoolServer): void {
    const known = new Set(this.#configured.map(({ host, port }) => `${host}:${port}`));
    const learned = addresses
      .slice(0, MOST_LEARNED)
      .map((address) => parseServerUrl(address))
      .filter((server) => server !== undefined)
      .filter(({ address }) => !known.has(address));
    const name = isIP(from.tlsName.replace(/^\[|\]$/g, '')) ? undefined : from.tlsName;
    this.#learned = learned.map((server) => poolServer(server, name));
  }
}

function poolServer({ address, printable }: ServerUrl, tlsName?: string): PoolServer {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return { host, port: Number(address.slice(colon + 1)), printable, tlsName: tlsName ?? host };
}
