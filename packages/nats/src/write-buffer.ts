import process, { nextTick } from 'node:process';

/** Some two hundred small messages. A larger one, with its head, is not worth a copy. */
const SLAB_BYTES = 65_536;

const LINE_BREAK = Buffer.from('\r\n');

/** Those that have something to write in this turn. A process that ends in its middle hands it over first. */
const awaited = new Set<WriteBuffer>();
process.on('exit', () => {
  for (const buffer of awaited) buffer.flush();
});

/**
 * What is to be written in one turn of the event loop goes to the socket in one piece, for each write costs as much as
 * several messages. It waits until everything has run that could add to it: also whoever awaits each publish before the
 * next one.
 */
export class WriteBuffer {
  readonly #write: (first: Uint8Array, ...more: Uint8Array[]) => void;
  /** Filled once, from its start to its end: what the socket has not sent yet lies in front. */
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #written = 0;
  #end = 0;
  #isAwaited = false;

  /** `write` is handed the pieces of one write, which stay as they are. */
  constructor(write: (first: Uint8Array, ...more: Uint8Array[]) => void) {
    this.#write = write;
  }

  /** A frame: its head, of which each character is one byte, with its line break; and its content. */
  add(head: string, content: Uint8Array): void {
    const size = head.length + content.length + LINE_BREAK.length;
    if (size > SLAB_BYTES - this.#end) {
      this.flush();
      if (size > SLAB_BYTES / 4) {
        this.#write(Buffer.from(head, 'latin1'), content, LINE_BREAK);
        return;
      }
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#written = 0;
      this.#end = 0;
    }
    const slab = this.#slab;
    let end = this.#end + slab.write(head, this.#end, 'latin1');
    slab.set(content, end);
    end += content.length;
    slab[end] = 13;
    slab[end + 1] = 10;
    this.#end = end + 2;
    if (!this.#isAwaited) this.#await();
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#written === this.#end) return;
    const bytes = this.#slab.subarray(this.#written, this.#end);
    this.#written = this.#end;
    this.#write(bytes);
  }

  #await(): void {
    this.#isAwaited = true;
    awaited.add(this);
    // Promises that can go on do so first: a tick that is asked for among them comes behind the last one.
    void Promise.resolve().then(this.#afterOthers);
  }

  readonly #afterOthers = (): void => nextTick(this.#flushAwaited);

  readonly #flushAwaited = (): void => {
    this.#isAwaited = false;
    awaited.delete(this);
    this.flush();
  };
}
