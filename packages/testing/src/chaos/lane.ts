import type { Socket } from 'node:net';
import type { Direction } from './direction.js';
import { FrameReader } from './frame-reader.js';
import type { Line } from './line.js';
import type { RuleBook } from './rule-book.js';

/** What a lane holds before it stops reading, so that whoever sends feels it. */
const MOST_HELD_BYTES = 1024 * 1024;
/** A slow line sends a little this often. */
const DRIP_EVERY_MS = 20;
/** Node's own longest timer; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Item = { readonly dueMs: number } & (
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' | 'reset' }
);

/** One way of one connection: from a socket, through the rules and the line, to another socket. Nothing overtakes. */
export class Lane {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #line: Line;
  readonly #rules: RuleBook<Lane>;
  readonly #reader: FrameReader;
  #to: Socket | undefined;
  #queue: Item[] = [];
  #heldBytes = 0;
  #nextDripMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFull = false;
  #hasEnded = false;

  constructor(direction: Direction, from: Socket, line: Line, rules: RuleBook<Lane>) {
    this.#direction = direction;
    this.#from = from;
    this.#line = line;
    this.#rules = rules;
    this.#reader = new FrameReader(direction, rules.watch(direction));
    from.on('data', (chunk: Buffer) => this.#receive(chunk));
    from.once('end', () => this.end());
    from.on('error', () => this.#push({ kind: 'reset' }));
    from.once('close', () => this.end());
  }

  /** Where it leads; before it does, what comes in is held. */
  leadTo(socket: Socket): void {
    this.#to = socket;
    socket.on('drain', () => {
      this.#isFull = false;
      this.move();
    });
    socket.once('close', () => this.move());
    this.move();
  }

  /** As if the sender had sent these bytes too, between two of its messages. */
  inject(bytes: Buffer): void {
    for (const each of this.#reader.insert(bytes)) this.#pushBytes(each);
  }

  /** Sends what a rule has let go. */
  send(frames: readonly { readonly wire: Buffer }[]): void {
    for (const { wire } of frames) this.inject(wire);
  }

  /** As if the sender had ended its half; what it sends from here on goes nowhere. */
  end(): void {
    if (this.#hasEnded) return;
    for (const { wire } of this.#rules.release(this.#direction, this)) this.#pushBytes(wire);
    this.#pushBytes(this.#reader.rest());
    this.#hasEnded = true;
    this.#push({ kind: 'end' });
  }

  /** Forgets what it holds: the connection is gone. */
  close(): void {
    this.#hasEnded = true;
    this.#rules.release(this.#direction, this);
    this.#queue = [];
    this.#heldBytes = 0;
    clearTimeout(this.#timer);
  }

  /** Lets go what was held for a line that has healed. */
  hurry(): void {
    this.#queue = this.#queue.map((item) => ({ ...item, dueMs: 0 }));
    this.#nextDripMs = 0;
    this.move();
  }

  /** Moves what may move. Called whenever that may have changed. */
  move(): void {
    clearTimeout(this.#timer);
    if (this.#to?.destroyed) this.#discard();
    while (this.#to && !this.#isFull && !this.#line.isBlocked) {
      const [item] = this.#queue;
      if (!item) break;
      const waitMs = Math.max(item.dueMs, this.#nextDripMs) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.move(), Math.min(Math.ceil(waitMs), LONGEST_TIMER_MS)).unref();
        break;
      }
      this.#queue.shift();
      if (item.kind === 'bytes') this.#write(this.#to, item);
      else if (item.kind === 'end') this.#to.end();
      else reset(this.#to);
    }
    if (this.#heldBytes < MOST_HELD_BYTES) this.#from.resume();
  }

  #receive(chunk: Buffer): void {
    if (this.#hasEnded) return;
    const out = this.#reader
      .push(chunk)
      .flatMap((piece) =>
        piece instanceof Uint8Array ? piece : this.#rules.apply(this.#direction, this, piece).map(({ wire }) => wire),
      );
    // One write for all of them: many small ones cost a call of the kernel each.
    this.#pushBytes(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out));
    if (this.#heldBytes >= MOST_HELD_BYTES) this.#from.pause();
  }

  #pushBytes(bytes: Buffer): void {
    if (this.#hasEnded || bytes.length === 0) return;
    this.#heldBytes += bytes.length;
    this.#push({ kind: 'bytes', bytes });
  }

  #push(item: { kind: 'bytes'; bytes: Buffer } | { kind: 'end' | 'reset' }): void {
    const delayMs = this.#line.drawDelayMs();
    this.#queue.push({ ...item, dueMs: delayMs > 0 ? performance.now() + delayMs : 0 });
    this.move();
  }

  #write(to: Socket, { bytes, dueMs }: { bytes: Buffer; dueMs: number }): void {
    const { bytesPerSecond } = this.#line;
    const most = Math.max(1, Math.floor((bytesPerSecond * DRIP_EVERY_MS) / 1000));
    const now = bytes.subarray(0, most);
    if (now.length < bytes.length) this.#queue.unshift({ kind: 'bytes', bytes: bytes.subarray(most), dueMs });
    if (bytesPerSecond !== Number.POSITIVE_INFINITY) {
      this.#nextDripMs =
        Math.max(this.#nextDripMs, performance.now() - DRIP_EVERY_MS) + (now.length / bytesPerSecond) * 1000;
    }
    this.#heldBytes -= now.length;
    this.#isFull = !to.write(now);
  }

  #discard(): void {
    this.#queue = [];
    this.#heldBytes = 0;
    this.#hasEnded = true;
  }
}

/** Ends a connection at once, in such a way that the other side gets an error. */
export function reset(socket: Socket): void {
  const wasNeverDialled = socket.pending && !socket.connecting;
  // A half that is closing can't be reset: Node would never hear the end of it, and spin when the process exits.
  if (wasNeverDialled || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
