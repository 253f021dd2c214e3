import { create, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { joinCodecs } from './join-codecs.js';
import { keepNegativeZero, messagesOf } from './keep-negative-zero.js';
import { localName } from './names.js';
import { refuseUnsupported } from './refuse-unsupported.js';
import { runTsProto } from './run-ts-proto.js';

/** @typedef {import('@bufbuild/protobuf/wkt').CodeGeneratorRequest} CodeGeneratorRequest */

/** Where generated code finds `defineType`, `Any` and OpenTera's messages. */
const packageName = '@terabus/messages';

/** OpenTera's messages, which @terabus/messages has. */
const openTeras = new Set([
  'ArchiveEvent', 'CreateSession', 'DatabaseEvent', 'DeviceEvent', 'JoinSessionEvent', 'JoinSessionReplyEvent',
  'LeaveSessionEvent', 'LogEvent', 'LoginEvent', 'ParticipantEvent', 'RPCMessage', 'Result', 'ServerCommand',
  'StopSessionEvent', 'TeraEvent', 'TeraEvent_Header', 'TeraMessage', 'TeraModuleMessage', 'TeraModuleMessage_Header',
  'UserEvent', 'UserRegisterToEvent', 'Value',
]); // biome-ignore format: a list

/**
 * All generated files of a request.
 * @param {CodeGeneratorRequest} request
 * @param {(request: CodeGeneratorRequest) => Uint8Array} encode
 * @returns {{ name: string, content: string }[]}
 */
export function generate(request, encode) {
  // The one option, for this package alone: it can't import itself by name.
  const own = /^import=(.+)$/.exec(request.parameter)?.[1];
  if (request.parameter !== '' && own === undefined) {
    throw new Error(`protoc-gen-terabus takes no options: ${request.parameter}`);
  }
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
  const provided = new Set(own === undefined ? [...registry.files].filter(isProvided).map(protoName) : []);
  const wanted = new Set(request.fileToGenerate.filter((name) => !provided.has(name)));
  if (own !== undefined) wanted.add('google/protobuf/any.proto');
  const files = [...registry.files].filter((file) => wanted.has(protoName(file)));
  for (const file of files) refuseUnsupported(file);

  const codecs = runTsProto(
    { ...request, fileToGenerate: [...wanted], parameter: '' },
    provided,
    `${packageName}/codec`,
    encode,
  );
  return files.flatMap((file) => [
    { name: `${file.name}.codec.ts`, content: keepNegativeZero(file, codecOf(file, codecs)) },
    { name: `${file.name}.ts`, content: joinCodecs(file, { provided, packageName, own }) },
  ]);
}

/** What @terabus/messages has already: a second copy of a type would not go into a registry with the first. */
function isProvided(/** @type {import('@bufbuild/protobuf').DescFile} */ file) {
  if (file.proto.package !== 'opentera.protobuf') return protoName(file) === 'google/protobuf/any.proto';
  const other = messagesOf(file).find((message) => !openTeras.has(localName(message)));
  if (other === undefined) return true;
  throw new Error(
    `${protoName(file)}: ${other.typeName} is none of OpenTera's messages: give yours a package of your own`,
  );
}

function protoName(/** @type {import('@bufbuild/protobuf').DescFile} */ file) {
  return `${file.name}.proto`;
}

/**
 * @param {import('@bufbuild/protobuf').DescFile} file
 * @param {Map<string, string>} codecs
 */
function codecOf(file, codecs) {
  const content = codecs.get(`${file.name}.codec.ts`);
  if (content === undefined) throw new Error(`ts-proto generated nothing for ${file.name}.proto`);
  return content;
}
