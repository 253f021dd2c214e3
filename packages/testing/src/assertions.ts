/// <reference types="chai" preserve="true" />
import type { Message, Reason } from '@terabus/messages';
import { BusError, toJson } from '@terabus/messages';

declare global {
  namespace Chai {
    interface Assertion {
      /**
       * Asserts that it is a `BusError` for this reason, and that its message contains `text` if one is given.
       *
       * ```ts
       * expect(error).to.be.busError('TERABUS_TOPIC_INVALID', 'must not be empty');
       * ```
       */
      busError(reason: Reason | (string & {}), text?: string): Assertion;
      /**
       * Asserts that it is the same message: of the same type, with the same fields. A field that is `undefined` is
       * one that is not set; bytes and `bigint`s are compared by their values.
       *
       * ```ts
       * expect(message).to.equalMessage(UserEvent.create({ userUuid }));
       * ```
       */
      equalMessage(expected: object): Assertion;
    }
  }
}

/**
 * Chai assertions for Terabus: `expect(…).to.be.busError(reason)` and `expect(…).to.equalMessage(message)`.
 *
 * ```ts
 * import { use } from 'chai';
 * import { terabusAssertions } from '@terabus/testing';
 * use(terabusAssertions);
 * ```
 */
export const terabusAssertions: Chai.ChaiPlugin = ({ Assertion }, { inspect, eql }) => {
  Assertion.addMethod('busError', function (this: Chai.AssertionStatic, reason: string, text = '') {
    const thrown: unknown = this._obj;
    const wanted = `a BusError ${reason}${text && ` that says ${inspect(text)}`}`;
    this.assert(
      BusError.is(thrown) && thrown.reason === reason && thrown.message.includes(text),
      `expected ${thrown instanceof Error ? thrown : inspect(thrown)} to be ${wanted}`,
      `expected ${thrown instanceof Error ? thrown : inspect(thrown)} not to be ${wanted}`,
      reason,
    );
  });

  Assertion.addMethod('equalMessage', function (this: Chai.AssertionStatic, expected: object) {
    const actual: unknown = this._obj;
    const shown = readable(actual, expected, eql);
    this.assert(
      eql(plain(actual), plain(expected)),
      `expected ${nameOf(actual)} to be the same message as ${nameOf(expected)}`,
      `expected ${nameOf(actual)} not to be the same message`,
      shown.expected,
      shown.actual,
      true,
    );
  });
};

function nameOf(message: unknown): string {
  const type: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, '$type') : undefined;
  return typeof type === 'string' ? type : String(message);
}

/** Two messages for the eyes: as JSON, unless one has none or theirs would not show the difference. */
function readable(actual: unknown, expected: object, eql: (a: unknown, b: unknown) => boolean) {
  try {
    const json = { actual: toJson(actual as Message), expected: toJson(expected as Message) };
    if (!eql(json.actual, json.expected)) return json;
  } catch {
    // Types that a test made up, or registered elsewhere, have no JSON here.
  }
  return { actual: plain(actual), expected: plain(expected) };
}

/**
 * A message as what can be compared. Bytes and bigints become text with a mark, so that they equal neither each other
 * nor a text field.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: `${value}` };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, entry]) => [key, plain(entry)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, plain(field)]),
  );
}
