#!/usr/bin/env node
// The preset: one protoc plugin that generates Terabus' message types from `.proto` files. In a buf.gen.yaml:
//
//   plugins:
//     - local: protoc-gen-terabus
//       out: src/gen
//
// For each `x.proto` it writes `x.codec.ts`, which is ts-proto's output with fixed options, and `x.ts`, which joins
// each codec with its field table into a MessageType: import from that one. It is plain JavaScript because it must
// run before anything is built.
import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { CodeGeneratorRequestSchema } from '@bufbuild/protobuf/wkt';
import { generate } from './generate.js';
import { encodeFailure, encodeFiles } from './response.js';

const request = fromBinary(CodeGeneratorRequestSchema, readFileSync(0));
try {
  process.stdout.write(encodeFiles(generate(request, (message) => toBinary(CodeGeneratorRequestSchema, message))));
} catch (error) {
  // protoc and buf print what the response says; a stack would hide it.
  process.stdout.write(encodeFailure(error instanceof Error ? error.message : String(error)));
}
