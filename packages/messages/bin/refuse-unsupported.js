import { messagesOf } from './keep-negative-zero.js';
import { camel, localName } from './names.js';

/** @typedef {import('@bufbuild/protobuf').DescFile} DescFile */
/** @typedef {import('@bufbuild/protobuf').DescMessage} DescMessage */
/** @typedef {import('@bufbuild/protobuf').DescField} DescField */

const proto3 = 999;

/** What ts-proto's code calls its own helpers, and which of JavaScript's and TypeScript's names it uses. */
const taken = new Set([
  'BigInt', 'Builtin', 'Date', 'DeepPartial', 'Exact', 'Exclude', 'Function', 'KeysOfUnion', 'Math', 'MessageFns',
  'Object', 'Partial', 'ReadonlyArray', 'Uint8Array',
]); // biome-ignore format: a list

/**
 * Refuses what the field table, the decoder or JSON would get wrong, each with a sentence. It is better to hear so
 * from the generator than to find out on the bus.
 * @param {DescFile} file
 */
export function refuseUnsupported(file) {
  if (file.edition !== proto3) throw new Error(`${file.name}.proto: only proto3 is supported`);
  refuseNames(file);
  for (const field of messagesOf(file).flatMap((message) => message.fields)) {
    const reason = reasonAgainst(field);
    if (reason !== undefined) throw new Error(`${file.name}.proto: ${field.parent.typeName}.${field.name} ${reason}`);
  }
}

/** Types become names of a module, where nothing may be called twice or like what the code around it uses. */
function refuseNames(/** @type {DescFile} */ file) {
  /** @type {Map<string, string>} */
  const seen = new Map();
  const messages = messagesOf(file);
  for (const type of [...messages, ...file.enums, ...messages.flatMap((message) => message.nestedEnums)]) {
    const name = localName(type);
    const refuse = (/** @type {string} */ what) => {
      throw new Error(`${file.name}.proto: ${type.typeName} ${what}`);
    };
    if (!/^[A-Z]/.test(name)) refuse('begins with no capital letter, like what JavaScript has words for');
    if (taken.has(name)) refuse(`is called like something that generated code uses: call it otherwise than ${name}`);
    const other = seen.get(name);
    if (other !== undefined) refuse(`becomes ${name} in TypeScript, as ${other} does`);
    seen.set(name, type.typeName);
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
  return field.oneof === undefined ? undefined : reasonAgainstOneof(field.parent, camel(field.oneof.name));
}

/** @returns {string | undefined} */
function reasonAgainstOneof(/** @type {DescMessage} */ message, /** @type {string} */ property) {
  if (property in Object.prototype) {
    return `is in a oneof that becomes the property ${property}, which every JavaScript object has already`;
  }
  const twin = message.fields.find((field) => field.oneof === undefined && field.jsonName === property);
  if (twin !== undefined) return `is in a oneof that becomes the property ${property}, as the field ${twin.name} does`;
  return undefined;
}
