import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AnySchema,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  CodeGeneratorResponseSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
  MessageOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const root = new URL('../../../', import.meta.url);
const plugin = fileURLToPath(new URL('packages/messages/bin/protoc-gen-terabus.js', root));
const image = fromBinary(FileDescriptorSetSchema, readFileSync(new URL('proto/opentera.binpb', root)));

function run(protoFile: FileDescriptorProto[], fileToGenerate: string[], parameter = ''): CodeGeneratorResponse {
  const request = create(CodeGeneratorRequestSchema, { protoFile, fileToGenerate, parameter });
  const { stdout } = spawnSync(process.execPath, [plugin], { input: toBinary(CodeGeneratorRequestSchema, request) });
  return fromBinary(CodeGeneratorResponseSchema, stdout);
}

/** What is beside the field, and properties of the file. */
interface Shape {
  readonly name?: string;
  readonly nestedType?: object[];
  readonly oneofDecl?: object[];
  readonly more?: object[];
  readonly beside?: object[];
  readonly [property: string]: unknown;
}

/** A file with one message of one field. */
function file(field: object, shape: Shape = {}): FileDescriptorProto {
  const label = FieldDescriptorProto_Label.OPTIONAL;
  const { name = 'M', nestedType = [], oneofDecl = [], more: fields = [], beside = [], ...rest } = shape;
  return create(FileDescriptorProtoSchema, {
    name: 'x.proto',
    package: 'x',
    syntax: 'proto3',
    messageType: [
      {
        name,
        field: [
          { name: 'f', jsonName: 'f', number: 1, label, type: FieldDescriptorProto_Type.STRING, ...field },
          ...fields,
        ],
        nestedType,
        oneofDecl,
      },
      ...beside,
    ],
    ...rest,
  });
}

describe('protoc-gen-terabus', function () {
  this.timeout(20_000);

  it("generates what is committed for OpenTera's messages", () => {
    const names = image.file.map(({ name }) => name).filter((name) => !name.startsWith('google/'));
    expect(names).to.have.length(19);
    const response = run(image.file, names, 'import=../types/define-type.js');
    expect(response.error).to.equal('');
    expect(response.file).to.have.length(40);
    for (const { name, content } of response.file) {
      const committed = readFileSync(new URL(`packages/messages/src/gen/${name}`, root), 'utf8');
      expect(content, name).to.equal(committed);
    }
  });

  it('writes two files for each of a user, and imports the rest from @terabus/messages', () => {
    const label = FieldDescriptorProto_Label.OPTIONAL;
    const user = file(
      { type: FieldDescriptorProto_Type.MESSAGE, typeName: '.google.protobuf.Any', label },
      { dependency: ['google/protobuf/any.proto'] },
    );
    const response = run([AnySchema.file.proto, user], ['x.proto']);
    expect(response.file.map(({ name }) => name)).to.deep.equal(['x.codec.ts', 'x.ts']);
    const [codec, joined] = response.file.map(({ content }) => content);
    expect(codec).to.contain('import { Any } from "@terabus/messages/codec";');
    expect(joined).to.contain("import * as $ from '@terabus/messages';").and.contain('message: () => $.Any');
  });

  const { STRING, MESSAGE, DOUBLE } = FieldDescriptorProto_Type;
  const entry = {
    name: 'FEntry',
    options: create(MessageOptionsSchema, { mapEntry: true }),
    field: [
      { name: 'key', jsonName: 'key', number: 1, label: 1, type: STRING },
      { name: 'value', jsonName: 'value', number: 2, label: 1, type: STRING },
    ],
  };
  const refused: readonly [string, FileDescriptorProto[], string][] = [
    ['proto2', [file({}, { syntax: 'proto2' })], 'x.proto: only proto3 is supported'],
    [
      'a map',
      [
        file(
          { type: MESSAGE, typeName: '.x.M.FEntry', label: FieldDescriptorProto_Label.REPEATED },
          { nestedType: [entry] },
        ),
      ],
      'x.M.f is a map',
    ],
    [
      'a well-known type whose JSON is its own',
      [
        file_google_protobuf_timestamp.proto,
        file(
          { type: MESSAGE, typeName: '.google.protobuf.Timestamp' },
          { dependency: ['google/protobuf/timestamp.proto'] },
        ),
      ],
      'x.M.f is a google.protobuf.Timestamp',
    ],
    ['a JSON name that is no property', [file({ jsonName: 'a-b' })], 'x.M.f has the JSON name a-b'],
    ['a property that every object has', [file({ name: 'to_string', jsonName: 'toString' })], 'x.M.to_string becomes'],
    [
      'a oneof that becomes a property of every object',
      [file({ oneofIndex: 0 }, { oneofDecl: [{ name: 'constructor' }] })],
      'x.M.f is in a oneof that becomes the property constructor',
    ],
    [
      'a oneof and a field of one name',
      [
        file(
          { oneofIndex: 0 },
          { oneofDecl: [{ name: 'a_b' }], more: [{ name: 'a_b', jsonName: 'aB', number: 2, label: 1, type: STRING }] },
        ),
      ],
      'x.M.f is in a oneof that becomes the property aB, as the field a_b does',
    ],
    ['a name that generated code uses', [file({}, { name: 'Uint8Array' })], 'x.Uint8Array is called like something'],
    ['a word of JavaScript', [file({}, { name: 'class' })], 'x.class begins with no capital letter'],
    [
      'two types of one TypeScript name',
      [file({}, { nestedType: [{ name: 'N' }], beside: [{ name: 'M_N' }] })],
      'x.M_N becomes M_N in TypeScript, as x.M.N does',
    ],
    [
      "a message of one's own in OpenTera's package",
      [file({}, { package: 'opentera.protobuf' })],
      "opentera.protobuf.M is none of OpenTera's messages",
    ],
    ['a oneof in camelCase', [file({ oneofIndex: 0 }, { oneofDecl: [{ name: 'myOneof' }] })], 'in the oneof myOneof'],
  ];
  for (const [what, files, sentence] of refused) {
    it(`refuses ${what} with a sentence`, () => {
      const response = run(files, ['x.proto']);
      expect(response.error).to.contain(sentence);
      expect(response.file).to.have.length(0);
    });
  }

  it('refuses options', () => {
    expect(run([file({ type: DOUBLE })], ['x.proto'], 'forceLong=long').error).to.contain('takes no options');
  });
});
