import type { MessageType } from './message-type.js';

/** Protobuf's scalar types by their names in a `.proto` file. */
export type ScalarKind =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes';

/** An enum as a field needs it. */
export interface EnumTable {
  /** Full name: `opentera.protobuf.UserEvent.EventType`. */
  readonly name: string;
  /** Names and numbers in the order of the `.proto` file. Of several names for one number, the first is printed. */
  readonly values: readonly (readonly [name: string, number: number])[];
}

/** What a field is, however often it occurs. */
interface FieldBase<P extends string = string> {
  /** The field's number on the wire. */
  readonly number: number;
  /** Name in the `.proto` file: `user_uuid`. JSON is read by this name too. */
  readonly name: string;
  /** Name in JSON, and of the property: `userUuid`. */
  readonly jsonName: P;
  /** Whether the property is an array. */
  readonly repeated?: true;
  /** Whether an absent field differs from a default one: proto3's `optional`. Message fields always are so. */
  readonly optional?: true;
  /** Property that holds the oneof this field is a member of, as `{ $case: jsonName, value }`. */
  readonly oneof?: string;
}

/** A field of a scalar type. */
export interface ScalarField<P extends string = string> extends FieldBase<P> {
  readonly kind: ScalarKind;
}

/** A field of an enum; its values are numbers, also ones that the enum doesn't name. */
export interface EnumField<P extends string = string> extends FieldBase<P> {
  readonly kind: 'enum';
  readonly enum: EnumTable;
}

/** A field of a message type. */
export interface MessageField<P extends string = string> extends FieldBase<P> {
  readonly kind: 'message';
  /** A function, because types of one file may hold each other. */
  readonly message: () => MessageType;
}

/** One row of a message type's field table: all that decoding, checking and JSON need to know of a field. */
export type Field<P extends string = string> = ScalarField<P> | EnumField<P> | MessageField<P>;
