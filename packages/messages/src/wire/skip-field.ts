import { type Cursor, WireType } from './cursor.js';
import { maxDepth } from './limits.js';

/**
 * Passes over an unknown field, groups with all they hold included. Their content is judged as Python judges it:
 * lengths and ends must be right, text is not looked at, and inside a group even the field number 0 passes.
 */
export function skipField(cursor: Cursor, tag: number, end: number, depth: number): void {
  switch (tag & 7) {
    case WireType.varint:
      cursor.int32(end);
      return;
    case WireType.fixed64:
      cursor.fixed(8, end);
      return;
    case WireType.bytes:
      cursor.at = cursor.lengthEnd(end);
      return;
    case WireType.startGroup:
      skipGroup(cursor, tag >>> 3, end, depth + 1);
      return;
    case WireType.fixed32:
      cursor.fixed(4, end);
      return;
    default:
      cursor.fail((tag & 7) === WireType.endGroup ? 'the end of a group that never began' : 'an unknown wire type');
  }
}

function skipGroup(cursor: Cursor, number: number, end: number, depth: number): void {
  if (depth > maxDepth) cursor.fail(`groups nested over ${maxDepth} levels`);
  while (cursor.at < end) {
    const tag = cursor.tag(end);
    if ((tag & 7) === WireType.endGroup) {
      if (tag >>> 3 !== number) cursor.fail(`the end of group ${tag >>> 3} inside group ${number}`);
      return;
    }
    skipField(cursor, tag, end, depth);
  }
  cursor.fail(`the end of the bytes inside group ${number}`);
}
