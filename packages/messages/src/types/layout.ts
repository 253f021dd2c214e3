import type { Field } from './field.js';
import type { MessageType } from './message-type.js';

/** A type's fields by where its messages keep them: in a property each, or together in that of a oneof. */
export interface Layout {
  /** Fields that are properties themselves. */
  readonly plain: readonly Field[];
  /** The oneofs, each with its members by their `$case`. */
  readonly oneofs: readonly { readonly property: string; readonly members: ReadonlyMap<unknown, Field> }[];
}

/** By field table, made when a type is first used. */
const layouts = new WeakMap<readonly Field[], Layout>();

/** The layout of a type's messages. */
export function layoutOf({ fields }: Pick<MessageType, 'fields'>): Layout {
  let layout = layouts.get(fields);
  if (layout === undefined) {
    layout = makeLayout(fields);
    layouts.set(fields, layout);
  }
  return layout;
}

function makeLayout(fields: readonly Field[]): Layout {
  const members = new Map<string, Map<unknown, Field>>();
  for (const field of fields) {
    if (field.oneof === undefined) continue;
    members.set(field.oneof, (members.get(field.oneof) ?? new Map()).set(field.jsonName, field));
  }
  return {
    plain: fields.filter((field) => field.oneof === undefined),
    oneofs: [...members].map(([property, its]) => ({ property, members: its })),
  };
}
