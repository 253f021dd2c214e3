import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fromBinary } from '@bufbuild/protobuf';
import { CodeGeneratorResponseSchema } from '@bufbuild/protobuf/wkt';

/** @typedef {import('@bufbuild/protobuf/wkt').CodeGeneratorRequest} CodeGeneratorRequest */

/** What makes all messages alike. Every line is something that `defineType` or the field table relies on. */
const options = [
  'forceLong=bigint', // 64-bit integers are exact
  'oneof=unions-value', // a oneof is one property, so that two members can't be set
  'outputTypeAnnotations=true', // a literal $type keeps messages of one shape apart and unions switchable
  'outputJsonMethods=false', // there is one JSON, by the field table
  'outputServices=none',
  'unrecognizedEnum=false', // an enum's unknown number stays that number
  'useJsonName=true', // properties are called as in JSON
  'esModuleInterop=true',
  'importSuffix=.js',
  'env=both', // bytes are Uint8Array
  'fileSuffix=.codec',
  'emitImportedFiles=false',
  'annotateFilesWithVersion=false', // a new compiler alone changes no generated file
];

/**
 * Runs ts-proto on a request and returns its files by name.
 * @param {CodeGeneratorRequest} request
 * @param {Set<string>} provided files whose codecs are imported from elsewhere
 * @param {string} from where those are imported from
 * @param {(request: CodeGeneratorRequest) => Uint8Array} encode
 * @returns {Map<string, string>}
 */
export function runTsProto(request, provided, from, encode) {
  const parameter = [...options, ...[...provided].map((name) => `M${name}=${from}`)].join(',');
  const run = spawnSync(process.execPath, [locate()], {
    input: encode({ ...request, parameter }),
    maxBuffer: 2 ** 30,
  });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`ts-proto failed: ${run.stderr.toString().trim()}`);
  const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
  if (response.error !== '') throw new Error(`ts-proto: ${response.error}`);
  return new Map(response.file.map((file) => [file.name, file.content]));
}

/** ts-proto is whoever generates' dependency: found from this package first, then from where buf was started. */
function locate() {
  const places = [import.meta.url, `${process.cwd()}/package.json`];
  for (const place of places) {
    try {
      return createRequire(place).resolve('ts-proto/protoc-gen-ts_proto');
    } catch {
      // The next place may have it.
    }
  }
  throw new Error('protoc-gen-terabus needs ts-proto: npm install --save-dev ts-proto');
}
