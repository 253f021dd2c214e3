import { messagesOf } from './keep-negative-zero.js';

/** @typedef {import('@bufbuild/protobuf').DescFile} DescFile */
/** @typedef {import('@bufbuild/protobuf').DescField} DescField */

const proto3 = 999;

/**
 * Refuses what the field table, the decoder or JSON would get wrong, each with a sentence. It is better to hear so
 * from the generator than to find out on the bus.
 * @param {DescFile} file
 */
export function refuseUnsupported(file) {
  if (file.edition !== proto3) throw new Error(`${file.name}.proto: only proto3 is supported`);
  for (const field of messagesOf(file).flatMap((message) => message.fields)) {
    const reason = reasonAgainst(field);
    if (reason !== undefined) throw new Error(`${file.name}.proto: ${field.parent.typeName}.${field.name} ${reason}`);
  }
}

/** @returns {string | undefined} */
function reasonAgainst(/** @type {DescField} */ field) {
  if (field.fieldKind === 'map') return 'is a map: use a repeated message with a key and a value';
  const type = field.message?.typeName ?? field.enum?.typeName ?? '';
  if (type.startsWith('google.protobuf.') && type !== 'google.protobuf.Any') {
    return `is a ${type}, whose JSON has rules of its own: use a double of epoch seconds, a string or a message of yours`;
  }
  if (!/^[A-Za-z]\w*$/.test(field.jsonName)) return `has the JSON name ${field.jsonName}, which is no property's`;
  if (field.jsonName in Object.prototype) {
    return `becomes the property ${field.jsonName}, which every JavaScript object has already`;
  }
  if (field.oneof !== undefined && !/^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$/.test(field.oneof.name)) {
    return `is in the oneof ${field.oneof.name}: spell it in lower_snake_case`;
  }
  return undefined;
}
