import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** A message as a server hands it over. */
export interface WireMessage {
  readonly subject: string;
  readonly replyTo: string | undefined;
  /** The block of headers as it is, empty for none. */
  readonly headers: Buffer;
  readonly payload: Buffer;
}

const LINE_END = Buffer.from('\r\n');

/**
 * Speaks NATS' protocol word for word and many words at once, for what no decent client sends. It does not wait for
 * answers: {@link Wire.flush} does.
 */
export class Wire {
  readonly #socket: Socket;
  #buffered: Buffer = Buffer.alloc(0);
  readonly #pongs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  /** The lines `-ERR …` of the server. */
  readonly errors: string[] = [];
  /** Takes the messages of all subscriptions. */
  onMessage: (message: WireMessage) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    // The server closes what breaks its rules; the next flush tells.
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#pongs) reject(this.#hungUp());
    });
  }

  static async connect(port: number, login: { readonly user?: string; readonly pass?: string } = {}): Promise<Wire> {
    const socket = createConnection(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    const wire = new Wire(socket);
    const options = { verbose: false, pedantic: false, headers: true, no_responders: true, protocol: 1, ...login };
    wire.say(`CONNECT ${JSON.stringify(options)}\r\n`);
    await wire.flush();
    return wire;
  }

  /** Sends these bytes as they are. */
  say(protocol: string | Buffer): void {
    const bytes = typeof protocol === 'string' ? Buffer.from(protocol, 'latin1') : protocol;
    this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    if (this.#outgoingBytes > 65_536) this.#push();
  }

  publish(subject: string, payload: Uint8Array, replyTo = ''): void {
    this.say(`PUB ${subject} ${replyTo} ${payload.length}\r\n`);
    this.say(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    this.say(LINE_END);
  }

  /** With a block of headers as it is. */
  publishWith(headers: Uint8Array, subject: string, payload: Uint8Array, replyTo = ''): void {
    this.say(`HPUB ${subject} ${replyTo} ${headers.length} ${headers.length + payload.length}\r\n`);
    this.say(Buffer.from(headers));
    this.say(Buffer.from(payload));
    this.say(LINE_END);
  }

  subscribe(subject: string, id = 1): void {
    this.say(`SUB ${subject} ${id}\r\n`);
  }

  /** Resolves when the server has worked off all that was said. Rejects when it hangs up. */
  async flush(): Promise<void> {
    if (this.#socket.closed) throw this.#hungUp();
    const answered = new Promise<void>((resolve, reject) => this.#pongs.push({ resolve, reject }));
    this.say('PING\r\n');
    this.#push();
    await answered;
  }

  /** Waits until what was said has left this process. */
  async drained(): Promise<void> {
    this.#push();
    if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain');
  }

  close(): void {
    this.#socket.destroy();
  }

  #hungUp(): Error {
    return new Error(`the server hung up: ${this.errors.join(', ')}`);
  }

  /** Behind what is buffered: not into the middle of a message. */
  #pong(): void {
    this.say('PONG\r\n');
    this.#push();
  }

  #push(): void {
    if (this.#outgoing.length === 0) return;
    this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
    this.#outgoingBytes = 0;
  }

  #read(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    for (;;) {
      const end = this.#buffered.indexOf(LINE_END);
      if (end < 0) return;
      const line = this.#buffered.toString('latin1', 0, end);
      const begin = end + 2;
      if (line.startsWith('MSG ') || line.startsWith('HMSG ')) {
        const words = line.split(' ');
        const size = Number(words.at(-1));
        if (this.#buffered.length < begin + size + 2) return;
        const headerSize = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
        const optional = words[0] === 'HMSG' ? 6 : 5;
        this.onMessage({
          subject: words[1] as string,
          replyTo: words.length === optional ? words[3] : undefined,
          headers: Buffer.from(this.#buffered.subarray(begin, begin + headerSize)),
          payload: Buffer.from(this.#buffered.subarray(begin + headerSize, begin + size)),
        });
        this.#buffered = this.#buffered.subarray(begin + size + 2);
        continue;
      }
      this.#buffered = this.#buffered.subarray(begin);
      if (line === 'PING') this.#pong();
      else if (line === 'PONG') this.#pongs.shift()?.resolve();
      else if (line.startsWith('-ERR')) this.errors.push(line);
    }
  }
}
