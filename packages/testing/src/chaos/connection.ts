import { Socket } from 'node:net';
import type { Direction } from './direction.js';
import { Lane, reset } from './lane.js';
import type { Line } from './line.js';
import type { RuleBook } from './rule-book.js';
import type { Target } from './target.js';

/** What the connections of a proxy have in common. */
export interface Surroundings {
  readonly target: Target;
  readonly lines: Readonly<Record<Direction, Line>>;
  readonly rules: RuleBook<Lane>;
}

/** A client's connection through a proxy. */
export class ProxyConnection {
  readonly lanes: Readonly<Record<Direction, Lane>>;
  readonly #client: Socket;
  readonly #server = new Socket({ allowHalfOpen: true });
  readonly #surroundings: Surroundings;
  #isDialled = false;

  /** @param onGone called when both sockets are closed */
  constructor(client: Socket, surroundings: Surroundings, onGone: () => void) {
    this.#client = client;
    this.#surroundings = surroundings;
    const { lines, rules } = surroundings;
    this.lanes = {
      'to-server': new Lane('to-server', client, lines['to-server'], rules),
      'to-client': new Lane('to-client', this.#server, lines['to-client'], rules),
    };
    let open = 2;
    for (const socket of [client, this.#server]) {
      socket.setNoDelay(true);
      // A proxy that somebody forgot does not keep a finished test run alive.
      socket.unref();
      socket.once('close', () => {
        open -= 1;
        if (open === 0) onGone();
      });
    }
    // A client that gives up before the server heard of it: the server never will.
    client.once('end', () => !this.#isDialled && this.reset());
    client.once('error', () => !this.#isDialled && this.reset());
    this.move();
  }

  /** Moves what may move after a change of the line. */
  move(): void {
    if (!this.#isDialled && !this.#surroundings.lines['to-server'].isBlocked) this.#dial();
    for (const lane of Object.values(this.lanes)) lane.move();
  }

  /** Lets go what was held for a line that has healed. */
  hurry(): void {
    this.move();
    for (const lane of Object.values(this.lanes)) lane.hurry();
  }

  /** Ends it at once; both sides get an error. */
  reset(): void {
    for (const lane of Object.values(this.lanes)) lane.close();
    reset(this.#client);
    reset(this.#server);
  }

  #dial(): void {
    this.#isDialled = true;
    this.#server.connect(this.#surroundings.target);
    this.lanes['to-server'].leadTo(this.#server);
    this.lanes['to-client'].leadTo(this.#client);
  }
}
