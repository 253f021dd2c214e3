import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * The line on which a subscriber tells its publisher how much has arrived: a socket of their own, the same for all
 * contenders, beside what is measured.
 */
export async function openCredit(path: string): Promise<(received: number) => void> {
  let socket: Socket | undefined;
  const server = createServer((connection) => {
    socket = connection;
    connection.on('error', () => {});
  });
  server.listen(path);
  await once(server, 'listening');
  return (received) => {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32LE(received);
    socket?.write(bytes);
  };
}

/** The publisher's end: how much has arrived, and a wait until it is more. */
export class Credit {
  received = 0;
  #rest: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  static async connect(path: string): Promise<Credit> {
    const credit = new Credit();
    const socket = connect(path);
    socket.on('data', (bytes: Buffer) => credit.#read(bytes));
    await once(socket, 'connect');
    return credit;
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #read(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % 4);
    if (whole > 0) this.received = all.readUInt32LE(whole - 4);
    this.#rest = all.subarray(whole);
    this.#wake?.();
  }
}
