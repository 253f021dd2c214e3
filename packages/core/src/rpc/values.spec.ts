import { DeviceEvent_EventType, Value } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { bytes, defineModule, json, rpc, uuid } from '../contract/index.js';
import { thrown } from '../service/stage.spec.js';
import { decodeArguments, decodeResult, encodeArguments, encodeResult } from './values.js';

const define = (args: readonly z.ZodType[], returns: z.ZodType = z.void()) =>
  defineModule('M', { rpc: { m: rpc({ args, returns }) } }).rpc.m;
const isoDate = z.codec(z.string(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});
const url = z.codec(z.string(), z.instanceof(URL), { decode: (text) => new URL(text), encode: (value) => value.href });

describe('the classification of parameters', () => {
  const cases: [string, z.ZodType, string, boolean][] = [
    ['string', z.string(), 'string', false],
    ['uuid', uuid, 'string', false],
    ['an email', z.email(), 'string', false],
    ['a template literal', z.templateLiteral(['a', z.number()]), 'string', false],
    ['number', z.number(), 'number', false],
    ['int', z.int(), 'number', false],
    ['a coerced number', z.coerce.number(), 'number', false],
    ['bigint', z.bigint(), 'bigint', false],
    ['boolean', z.boolean(), 'boolean', false],
    ['bytes', bytes, 'bytes', false],
    ['refined bytes', bytes.refine((value) => value.length < 9), 'bytes', false],
    ['optional bytes', bytes.optional(), 'bytes', true],
    ['an enum', z.enum(['a', 'b']), 'string', false],
    ['an enum of TypeScript', z.enum(DeviceEvent_EventType), 'number', false],
    ['a literal', z.literal([1, 2]), 'number', false],
    ['optional', z.string().optional(), 'string', true],
    ['a default', z.number().default(3), 'number', true],
    ['a prefault', z.number().prefault(3), 'number', true],
    ['nonoptional', z.string().optional().nonoptional(), 'string', false],
    ['readonly', z.boolean().readonly(), 'boolean', false],
    ['branded', z.string().brand('Id'), 'string', false],
    ['lazy', z.lazy(() => z.string()), 'string', false],
    ['a union of one kind', z.union([z.literal('a'), z.uuid()]), 'string', false],
    ['a pipe', z.string().pipe(z.string().min(1)), 'string', false],
    ['a codec', isoDate, 'string', false],
    ['a boolean in words', z.stringbool(), 'string', false],
    ['json', json(z.object({ a: z.number() })), 'string', false],
  ];
  for (const [name, schema, kind, optional] of cases) {
    it(`of ${name} is ${kind}${optional ? ', optional' : ''}`, () => {
      expect(define([schema]).parameters).to.deep.equal([{ kind, optional }]);
    });
  }

  const refused: [string, z.ZodType, string][] = [
    ['an object', z.object({}), "is of zod type 'object'"],
    ['an array', z.array(z.string()), 'use json(schema) for structures'],
    ['null', z.null(), 'json(schema) for structures and null'],
    ['nullable', z.string().nullable(), "is of zod type 'nullable'"],
    ['any', z.any(), "is of zod type 'any'"],
    ['unknown', z.unknown(), "is of zod type 'unknown'"],
    ['a date', z.date(), "is of zod type 'date'"],
    ['a map', z.map(z.string(), z.string()), "is of zod type 'map'"],
    ['a union of kinds', z.union([z.string(), z.number()]), 'may be string or number, but an argument has one type'],
    ['a literal of kinds', z.literal(['a', 1]), 'may be string or number'],
    ['a literal null', z.literal(null), "may be null, which an RPC value can't say"],
    ['a transform', z.string().transform(Number), 'has a transform, which goes one way only: use z.codec'],
    ['a preprocess', z.preprocess(String, z.string()), 'has a transform'],
    ['another class', z.instanceof(Date), "is of zod type 'custom'"],
  ];
  for (const [name, schema, expected] of refused) {
    it(`refuses ${name} with a sentence`, () => {
      const error = thrown(() => define([z.string(), schema]));
      expect(error.reason).to.equal('TERABUS_CONTRACT_INVALID');
      expect(error.rawMessage).to.contain("module.M.rpc 'm', argument 2").and.contain(expected);
    });
  }

  it('refuses an optional argument that is not among the last', () => {
    const error = thrown(() => define([z.string().optional(), z.string()]));
    expect(error.rawMessage).to.equal("module.M.rpc 'm', argument 1: only the last arguments may be optional");
  });
});

describe('arguments', () => {
  const wire = (schema: z.ZodType, value: unknown) => encodeArguments(define([schema]), [value])[0]?.argValue;
  const arrive = (schema: z.ZodType, argValue: Value['argValue']) =>
    decodeArguments(define([schema]), [Value.create(argValue === undefined ? {} : { argValue })])[0];

  it('go out by the table: safe integers as int, other numbers as double, bigints by fit', () => {
    expect(wire(z.number(), 7)).to.deep.equal({ $case: 'intValue', value: 7n });
    expect(wire(z.number(), 0)).to.deep.equal({ $case: 'intValue', value: 0n });
    expect(wire(z.number(), -0)).to.deep.equal({ $case: 'doubleValue', value: -0 });
    expect(wire(z.number(), 0.5)).to.deep.equal({ $case: 'doubleValue', value: 0.5 });
    expect(wire(z.number(), 2 ** 53)).to.deep.equal({ $case: 'doubleValue', value: 2 ** 53 });
    expect(wire(z.bigint(), -1n)).to.deep.equal({ $case: 'intValue', value: -1n });
    expect(wire(z.bigint(), 2n ** 63n)).to.deep.equal({ $case: 'uintValue', value: 2n ** 63n });
    expect(wire(z.boolean(), false)).to.deep.equal({ $case: 'boolValue', value: false });
    expect(wire(z.string(), '')).to.deep.equal({ $case: 'stringValue', value: '' });
    expect(wire(bytes, new Uint8Array())).to.deep.equal({ $case: 'bytesValue', value: new Uint8Array() });
    expect(wire(isoDate, new Date(0))).to.deep.equal({ $case: 'stringValue', value: '1970-01-01T00:00:00.000Z' });
    expect(wire(json(z.object({ a: z.number() })), { a: 1 })).to.deep.equal({ $case: 'stringValue', value: '{"a":1}' });
  });

  it('come in to a number from any numeric member that it represents exactly', () => {
    expect(arrive(z.number(), { $case: 'intValue', value: 7n })).to.equal(7);
    expect(arrive(z.number(), { $case: 'uintValue', value: 7n })).to.equal(7);
    expect(arrive(z.number(), { $case: 'doubleValue', value: 1737474847 })).to.equal(1737474847);
    expect(arrive(z.number(), { $case: 'floatValue', value: 0.5 })).to.equal(0.5);
    expect(() => arrive(z.number(), { $case: 'intValue', value: 2n ** 53n + 1n })).to.throw('argument 1 of m');
  });
  it('come in to a bigint from any integral member', () => {
    expect(arrive(z.bigint(), { $case: 'uintValue', value: 2n ** 64n - 1n })).to.equal(2n ** 64n - 1n);
    expect(arrive(z.bigint(), { $case: 'doubleValue', value: 3 })).to.equal(3n);
    expect(() => arrive(z.bigint(), { $case: 'doubleValue', value: 3.5 })).to.throw('argument 1 of m');
  });
  it('of another kind, or without a member, are refused', () => {
    expect(() => arrive(z.string(), { $case: 'intValue', value: 1n })).to.throw(
      'must be a string, and is the intValue 1',
    );
    expect(() => arrive(z.number(), { $case: 'stringValue', value: '1' })).to.throw('must be a number');
    expect(() => arrive(z.boolean(), undefined)).to.throw('a Value without member');
  });
  it('that the schema refuses name their place', () => {
    const error = thrown(() => arrive(z.string().min(3), { $case: 'stringValue', value: 'a' }));
    expect(error.reason).to.equal('TERABUS_RPC_ARGUMENTS');
    expect(error.rawMessage).to.match(/^argument 1 of m: Too small/);
  });
  it('of json are checked as the structure that they are', () => {
    const schema = json(z.object({ a: z.number() }));
    expect(arrive(schema, { $case: 'stringValue', value: '{"a":1}' })).to.deep.equal({ a: 1 });
    expect(() => arrive(schema, { $case: 'stringValue', value: '{"a":"x"}' })).to.throw('argument 1 of m: a:');
    expect(() => arrive(schema, { $case: 'stringValue', value: '{' })).to.throw('not JSON');
    expect(thrown(() => wire(json(z.any()), { a: 1n })).reason).to.equal('TERABUS_RPC_ARGUMENTS');
    expect(thrown(() => wire(json(z.any()), () => 1)).reason).to.equal('TERABUS_RPC_ARGUMENTS');
  });
  it('at which a codec of the user throws are bad arguments', () => {
    const error = thrown(() => arrive(url, { $case: 'stringValue', value: 'no url' }));
    expect([error.code, error.rawMessage]).to.deep.equal(['INVALID_ARGUMENT', 'argument 1 of m: Invalid URL']);
  });
  it('too many or too few are refused, with the count or the place', () => {
    const method = define([z.string(), z.number()]);
    const one = Value.create({ argValue: { $case: 'stringValue', value: 'a' } });
    expect(() => decodeArguments(method, [one, one, one])).to.throw('m takes 2 arguments, got 3');
    expect(() => decodeArguments(method, [one])).to.throw('argument 2 of m: is missing');
    expect(() => encodeArguments(method, ['a'])).to.throw('argument 2 of m: is missing');
  });
  it('that are optional stay away at the end, and get their defaults at the callee', () => {
    const method = define([z.string(), z.number().default(3), z.string().optional()]);
    const values = encodeArguments(method, ['a', undefined, undefined]);
    expect(values).to.have.length(1);
    expect(decodeArguments(method, values)).to.deep.equal(['a', 3, undefined]);
  });
  it('that are optional and followed by others go out as their default, or are missing', () => {
    const method = define([z.number().default(3), z.string().optional()]);
    expect(decodeArguments(method, encodeArguments(method, [undefined, 'x']))).to.deep.equal([3, 'x']);
    const without = define([z.number().optional(), z.string().optional()]);
    expect(() => encodeArguments(without, [undefined, 'x'])).to.throw('argument 1 of m: is missing');
  });
});

describe('results', () => {
  const there = (schema: z.ZodType, value: unknown) => encodeResult(define([], schema), value);
  const back = (schema: z.ZodType, text: string) => decodeResult(define([], schema), JSON.parse(text));

  it('are JSON, undefined as null', () => {
    expect(there(z.array(z.string()), ['a'])).to.equal('["a"]');
    expect(there(z.void(), undefined)).to.equal('null');
    expect(there(z.object({ a: z.string().optional() }), { a: undefined })).to.equal('{}');
    expect(back(z.void(), 'null')).to.equal(undefined);
    expect(back(z.string().nullable(), 'null')).to.equal(null);
    expect(back(z.string().optional(), 'null')).to.equal(undefined);
  });
  it('go through codecs both ways', () => {
    expect(there(z.object({ at: isoDate }), { at: new Date(0) })).to.equal('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(back(z.object({ at: isoDate }), '{"at":"1970-01-01T00:00:00.000Z"}')).to.deep.equal({ at: new Date(0) });
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const unspeakable: [string, unknown, string][] = [
    ['NaN', Number.NaN, 'is NaN (number)'],
    ['an infinity deep inside', { a: [1, { b: Number.POSITIVE_INFINITY }] }, '.a[1].b is Infinity'],
    ['a bigint', 1n, 'is 1 (bigint)'],
    ['bytes', new Uint8Array(1), 'is Uint8Array'],
    ['a Map', new Map(), 'is Map'],
    ['a date', new Date(0), 'is Date'],
    ['a function', () => 1, '(function)'],
    ['a symbol', Symbol('s'), '(symbol)'],
    ['its own toJSON', { toJSON: () => 'x' }, '.toJSON is'],
    ['a cycle', cycle, 'a cycle'],
  ];
  for (const [name, value, expected] of unspeakable) {
    it(`that JSON can't say are errors: ${name}`, () => {
      const error = thrown(() => there(z.any(), value));
      expect(error.reason).to.equal('TERABUS_RPC_RESULT');
      expect(error.rawMessage).to.contain('the result of m').and.contain(expected);
    });
  }
  it('that are not what the contract says are errors at both ends', () => {
    expect(thrown(() => there(z.string(), 7)).rawMessage).to.match(/^the result of m is not what its contract says/);
    expect(thrown(() => back(z.string(), '7')).rawMessage).to.match(
      /^the answer of module\.M to m is not what the contract says: Invalid input/,
    );
    expect(thrown(() => back(url, '"no url"')).reason).to.equal('TERABUS_RPC_RESULT');
  });
});

describe('values whose schema asks for more than a type', () => {
  const schemas = {
    'a number': [z.number(), z.number({ error: 'none' })],
    'a number with checks': [z.int(), z.number().min(3), z.number().refine((value) => value > 3)],
    'a text': [z.string(), z.string().describe('any')],
    'a text with checks': [z.string().min(3), z.email(), z.string().regex(/^x/), z.string().refine(() => false)],
    'a text that is changed': [z.string().trim(), z.string().toUpperCase(), z.coerce.string()],
    'a boolean': [z.boolean(), z.boolean().refine((value) => value)],
  };
  const plain = { number: z.number(), string: z.string(), boolean: z.boolean() };
  const values = [0, -0, 1.5, 7, Number.NaN, Number.POSITIVE_INFINITY, 'x', 'xyz', ' xyz ', 'a@b.example', true, false];

  for (const [name, some] of Object.entries(schemas)) {
    it(`are judged as zod does: ${name}`, () => {
      for (const schema of some) {
        const type = schema._zod.def.type;
        for (const value of values.filter((one) => typeof one === type)) {
          const judged = schema.safeParse(value);
          const expected = judged.success ? judged.data : 'refused';
          const method = define([schema as z.ZodType], schema as z.ZodType);
          const attempt = (run: () => unknown) => {
            try {
              return run();
            } catch {
              return 'refused';
            }
          };
          const out = attempt(() => encodeArguments(method, [value])[0] && 'sent');
          expect(out === 'refused', `out ${String(value)}`).to.equal(expected === 'refused');
          expect(attempt(() => decodeResult(method, value))).to.deep.equal(expected);
          if (typeof value === 'number' && !Number.isFinite(value)) continue;
          const [sent] = encodeArguments(define([plain[typeof value as keyof typeof plain]]), [value]);
          expect(attempt(() => decodeArguments(method, [sent as Value])[0])).to.deep.equal(expected);
        }
      }
    });
  }

  it('and results that JSON can not say are refused of plain numbers too', () => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(() => encodeResult(define([], z.number()), value)).to.throw('TERABUS_RPC_RESULT');
    }
  });
});
