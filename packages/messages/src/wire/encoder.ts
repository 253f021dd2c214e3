import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { shielded } from '../errors/shielded.js';
import type { Any, Packable } from '../types/any.js';
import type { Codec } from '../types/define-type.js';
import type { Message, MessageType } from '../types/message-type.js';
import { typeUrlPrefix } from '../types/type-url.js';
import { checkMessage } from './check-message.js';
import { MessageWriter, unwritable } from './message-writer.js';
import type { Sheet } from './output.js';
import { hasShape, type Shape, shapeOf } from './shape.js';

/** The writer, while nobody writes: an encoder may be called inside of another one, by a getter. */
let idle: MessageWriter | undefined;

/** Encodes one type's messages: what ts-proto generated for it, and what has to hold before it may run. */
export class Encoder<T extends Message = Message> {
  readonly #type: MessageType<T>;
  readonly #codec: Codec<T>;
  /** What an Any says of the type: the whole field. */
  #typeUrl: Uint8Array | undefined;
  #shape: Shape | undefined;

  constructor(type: MessageType<T>, codec: Codec<T>) {
    this.#type = type;
    this.#codec = codec;
  }

  /** @throws BusError TERABUS_MESSAGE_INVALID with type, field and what is wrong. */
  encode(message: T): Uint8Array {
    const writer = idle ?? new MessageWriter();
    idle = undefined;
    try {
      writer.begin();
      this.write(writer, message);
      return writer.finish();
    } catch (error) {
      return this.#explain(message, error);
    } finally {
      writer.end();
      idle = writer;
    }
  }

  /** @throws unwritable for what bytes can't carry, and what reading the message throws. */
  write(writer: MessageWriter, message: T): void {
    this.#shape ??= shapeOf(this.#type);
    if (!hasShape(this.#shape, message, 0)) throw unwritable;
    this.#codec.encode(message, writer as unknown as BinaryWriter);
  }

  /** The content of an Any that holds the message. */
  writePacked(writer: MessageWriter, message: T): void {
    // A copy: a part would keep the rest of its slab for as long as there is the type.
    this.#typeUrl ??= written(writeTypeUrl, this.#type.$type)?.slice();
    if (this.#typeUrl === undefined) throw unwritable;
    writer.raw(this.#typeUrl);
    writer.uint32(18).fork();
    this.write(writer, message);
    // A message of defaults has no bytes, and fields that hold none are left out.
    if (!writer.unforkIfEmpty()) writer.join();
  }

  /** Messages that are right pay nothing for the sentence about those that are not. */
  #explain(message: T, error: unknown): never {
    return shielded(this.#type.$type, 'TERABUS_MESSAGE_INVALID', () => {
      if (error === unwritable) checkMessage(this.#type, message);
      throw error;
    });
  }
}

function writeTypeUrl(writer: MessageWriter, name: string): void {
  writer.uint32(10).string(typeUrlPrefix + name);
}

const encoders = new WeakMap<MessageType, Encoder>();

/** Makes the encoder of a type, which envelopes find it by. */
export function addEncoder<T extends Message>(type: MessageType<T>, codec: Codec<T>): Encoder<T> {
  const encoder = new Encoder(type, codec);
  encoders.set(type as unknown as MessageType, encoder as unknown as Encoder);
  return encoder;
}

/**
 * What a function writes of these parts in one pass, or undefined if it can't: it only says that something is wrong.
 */
export function written<Parts>(
  write: (writer: MessageWriter, parts: Parts) => void,
  parts: Parts,
): Uint8Array | undefined {
  const writer = idle ?? new MessageWriter();
  idle = undefined;
  try {
    writer.begin();
    write(writer, parts);
    return writer.finish();
  } catch {
    return undefined;
  } finally {
    writer.end();
    idle = writer;
  }
}

/**
 * Writes behind what is on a sheet. False if it can't be, for whatever reason: then the sheet is as before.
 */
export function writtenOn<Parts>(
  sheet: Sheet,
  write: (writer: MessageWriter, parts: Parts) => void,
  parts: Parts,
): boolean {
  const writer = idle ?? new MessageWriter();
  idle = undefined;
  try {
    writer.beginOn(sheet);
    write(writer, parts);
    writer.keep();
    return true;
  } catch {
    return false;
  } finally {
    writer.end();
    idle = writer;
  }
}

/** An Any with its length, behind its tag. What is to be packed is written to where it goes. */
export function writeAny(writer: MessageWriter, item: Any | Packable | undefined): void {
  if (typeof item !== 'object' || item === null) throw unwritable;
  writer.fork();
  if (!('$type' in item)) {
    const encoder = encoders.get(item.type);
    if (encoder === undefined) throw unwritable;
    encoder.writePacked(writer, item.message);
  } else {
    const { $type, typeUrl, value } = item;
    if ($type !== 'google.protobuf.Any' || !(value instanceof Uint8Array)) throw unwritable;
    if (typeUrl !== '') writer.uint32(10).string(typeUrl);
    if (value.length > 0) writer.uint32(18).bytes(value);
  }
  writer.join();
}
