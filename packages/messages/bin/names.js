/** @typedef {import('@bufbuild/protobuf').DescMessage} DescMessage */
/** @typedef {import('@bufbuild/protobuf').DescEnum} DescEnum */

/** ts-proto's name of a type: without the package, with `_` between levels. */
export function localName(/** @type {DescMessage | DescEnum} */ type) {
  const prefix = type.file.proto.package === '' ? '' : `${type.file.proto.package}.`;
  return type.typeName.slice(prefix.length).replaceAll('.', '_');
}

/** ts-proto's name of a oneof's property. */
export function camel(/** @type {string} */ name) {
  return name.replace(/_([a-z0-9])/g, (_match, letter) => letter.toUpperCase());
}
