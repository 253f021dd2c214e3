import { packAny } from '../types/any.js';
import type { Message, MessageType } from '../types/message-type.js';
import { writtenOn } from '../wire/encoder.js';
import { Sheet } from '../wire/output.js';
import { requireTime } from './require-time.js';
import { encodeTeraEvent, writeTeraEventHead, writeTeraEventItem } from './tera-event-envelope.js';

/** Sheets that are used again. */
const spare: Sheet[] = [];
const mostSpare = 8;
const largestSpare = 2 ** 17;

/**
 * A TeraEvent that is written while its events come, each when it is added: what becomes of a message afterwards changes
 * nothing. Its bytes are those that `encodeTeraEvent` makes of the same.
 */
export class TeraEventDraft {
  readonly #timeAt: number;
  #sheet: Sheet | undefined;
  /** While it is, a getter of a message must not add another one in its middle. */
  #adding = false;

  /** @throws BusError TERABUS_MESSAGE_INVALID for what is no text of well-formed Unicode. */
  constructor(topic: string) {
    const sheet = spare.pop() ?? new Sheet();
    sheet.at = 0;
    const head = { topic, time: 1, events: [] };
    if (!writtenOn(sheet, writeTeraEventHead, head)) {
      encodeTeraEvent(head);
      throw new Error('a head that can be encoded, but not drafted');
    }
    let lengthEnd = 1;
    while ((sheet.bytes[lengthEnd] as number) > 0x7f) lengthEnd++;
    // The version, in two bytes, and the tag of the time.
    this.#timeAt = lengthEnd + 1 + 3;
    this.#sheet = sheet;
  }

  /** How many bytes it has so far. */
  get size(): number {
    return this.#open().at;
  }

  /** @throws BusError TERABUS_MESSAGE_INVALID, with type and field, for what bytes can't carry; then nothing is added. */
  add<T extends Message>(type: MessageType<T>, message: T): void {
    const sheet = this.#open();
    this.#adding = true;
    try {
      if (writtenOn(sheet, writeTeraEventItem, { type, message } as never)) return;
      // By itself it says what is wrong.
      const packed = packAny(type, message);
      if (!writtenOn(sheet, writeTeraEventItem, packed)) throw new Error(`no Any holds a ${type.$type}`);
    } finally {
      this.#adding = false;
    }
  }

  /** Takes back what made it larger than this. */
  cut(size: number): void {
    const sheet = this.#open();
    if (size < sheet.at) sheet.at = size;
  }

  /**
   * Its bytes. It takes nothing more.
   * @throws BusError TERABUS_TIME_REQUIRED if the time, in seconds since the Unix epoch, is zero or not finite.
   */
  finish(time: number): Uint8Array {
    const sheet = this.#open();
    requireTime('a TeraEvent', time);
    sheet.view.setFloat64(this.#timeAt, time, true);
    const bytes = sheet.bytes.slice(0, sheet.at);
    this.#sheet = undefined;
    if (spare.length < mostSpare && sheet.bytes.length <= largestSpare) spare.push(sheet);
    return bytes;
  }

  #open(): Sheet {
    if (this.#sheet !== undefined && !this.#adding) return this.#sheet;
    throw new Error(`a TeraEvent ${this.#adding ? 'to which an event is being added' : 'that is finished'}`);
  }
}
