import { create, toBinary } from '@bufbuild/protobuf';
import { CodeGeneratorResponse_Feature, CodeGeneratorResponseSchema } from '@bufbuild/protobuf/wkt';

// Editions are not among them: protoc and buf then refuse such files themselves, and name them.
const supportedFeatures = BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL);

/**
 * The plugin's answer with generated files.
 * @param {{ name: string, content: string }[]} file
 */
export function encodeFiles(file) {
  return toBinary(CodeGeneratorResponseSchema, create(CodeGeneratorResponseSchema, { file, supportedFeatures }));
}

/**
 * The plugin's answer when it refuses.
 * @param {string} error
 */
export function encodeFailure(error) {
  return toBinary(CodeGeneratorResponseSchema, create(CodeGeneratorResponseSchema, { error, supportedFeatures }));
}
