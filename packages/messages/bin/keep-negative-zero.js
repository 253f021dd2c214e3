/** @typedef {import('@bufbuild/protobuf').DescFile} DescFile */
/** @typedef {import('@bufbuild/protobuf').DescMessage} DescMessage */

const check = /if \(message\.(\w+) !== 0\) \{(\s+writer\.uint32\(\d+\)\.)(double|float)\(/g;

/**
 * ts-proto leaves out a float or double when `!== 0` is false, as it is for −0. Python looks at the bits and sends
 * it. A float is compared after rounding, since what is 0 in single precision is 0 on the wire.
 * @param {DescFile} file
 * @param {string} code what ts-proto generated for it
 */
export function keepNegativeZero(file, code) {
  let patched = 0;
  const result = code.replace(check, (_match, property, writer, kind) => {
    patched++;
    const value = kind === 'float' ? `Math.fround(message.${property})` : `message.${property}`;
    return `if (!Object.is(${value}, 0)) {${writer}${kind}(`;
  });
  const expected = messagesOf(file).reduce((sum, message) => sum + implicitFloats(message), 0);
  if (patched !== expected) {
    throw new Error(
      `${file.name}.proto has ${expected} float and double fields without presence, ts-proto's code compares ${patched}: ` +
        'this version of ts-proto generates other code than protoc-gen-terabus knows',
    );
  }
  return result;
}

/**
 * All messages of a file, nested ones after their parent.
 * @param {DescFile} file
 * @returns {DescMessage[]}
 */
export function messagesOf(file) {
  /** @type {(message: DescMessage) => DescMessage[]} */
  const withNested = (message) => [message, ...message.nestedMessages.flatMap(withNested)];
  return file.messages.flatMap(withNested);
}

const double = 1;
const float = 2;
const implicit = 2;

function implicitFloats(/** @type {DescMessage} */ message) {
  return message.fields.filter(
    (field) =>
      field.fieldKind === 'scalar' &&
      field.presence === implicit &&
      (field.scalar === double || field.scalar === float),
  ).length;
}
