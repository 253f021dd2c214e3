import type { Field } from '../types/field.js';
import { layoutOf } from '../types/layout.js';
import type { MessageType } from '../types/message-type.js';
import { fitsKind } from './check-message.js';
import { maxDepth } from './limits.js';

/** What a message must look like before its encoder may run, as far as neither encoder nor writer look at it. */
export interface Shape {
  readonly name: string;
  readonly parts: readonly Part[];
}

/** A property that has to be looked at. */
interface Part {
  readonly property: string;
  readonly repeated: boolean;
  /** Whether it may be undefined. */
  readonly optional: boolean;
  readonly fits: (value: unknown, depth: number) => boolean;
}

const shapes = new WeakMap<MessageType, Shape>();

/** The shape of a type's messages, made when it is first used. */
export function shapeOf(type: MessageType): Shape {
  let shape = shapes.get(type);
  if (shape === undefined) {
    shape = makeShape(type);
    shapes.set(type, shape);
  }
  return shape;
}

/**
 * Whether a message looks as its type says. Kinds whose values the writer judges are not looked at: it refuses them
 * itself, for less.
 */
export function hasShape(shape: Shape, message: unknown, depth: number): boolean {
  if (typeof message !== 'object' || message === null) return false;
  const properties = message as Readonly<Record<string, unknown>>;
  if (properties['$type'] !== shape.name || depth > maxDepth) return false;
  const { parts } = shape;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as Part;
    const value = properties[part.property];
    if (part.repeated) {
      if (!Array.isArray(value)) return false;
      for (let at = 0; at < value.length; at++) if (!part.fits(value[at], depth)) return false;
    } else if (!(value === undefined && part.optional) && !part.fits(value, depth)) return false;
  }
  return true;
}

function makeShape({ $type, fields }: MessageType): Shape {
  const { plain, oneofs } = layoutOf({ fields });
  const parts = plain
    .filter((field) => field.repeated || !isJudgedByWriter(field))
    .map((field) => ({
      property: field.jsonName,
      repeated: field.repeated === true,
      optional: field.optional === true || field.kind === 'message',
      fits: fitsField(field),
    }));
  for (const { property, members } of oneofs) {
    parts.push({ property, repeated: false, optional: true, fits: fitsOneof(members) });
  }
  return { name: $type, parts };
}

/**
 * Whether whatever isn't one comes to the writer's eyes. The encoders themselves take the length of bytes, the
 * single precision of floats and the 64 bits of integers before they call it, and leave out what looks like a zero then.
 */
function isJudgedByWriter({ kind }: Field): boolean {
  switch (kind) {
    case 'message':
    case 'bytes':
    case 'float':
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return false;
    default:
      return true;
  }
}

function fitsField(field: Field): Part['fits'] {
  if (isJudgedByWriter(field)) return () => true;
  if (field.kind !== 'message') return (value) => fitsKind(field.kind, value);
  let shape: Shape | undefined;
  return (value, depth) => {
    shape ??= shapeOf(field.message());
    return hasShape(shape, value, depth + 1);
  };
}

/** A member that the oneof doesn't have would be left out, and a Value without member arrive. */
function fitsOneof(members: ReadonlyMap<unknown, Field>): Part['fits'] {
  const byCase = new Map([...members].map(([name, field]) => [name, fitsField(field)]));
  return (member, depth) => {
    if (typeof member !== 'object' || member === null) return false;
    const { $case, value } = member as { $case?: unknown; value?: unknown };
    return byCase.get($case)?.(value, depth) ?? false;
  };
}
