import { BusError } from '@terabus/messages';
import { toSubject } from './escape.js';
import { printable } from './printable.js';
import { checkTopic } from './topic.js';

/** The names of the parameters of a template, as a union of literals. */
type ParameterNames<Template extends string> = Template extends `${infer Head}.${infer Tail}`
  ? ParameterNames<Head> | ParameterNames<Tail>
  : Template extends `{${infer Name}}`
    ? Name
    : never;

/**
 * The values of a template's parameters: `TopicParameters<'websocket.user.{uuid}.events'>` is
 * `{ readonly uuid: string }`. For a template that is not a literal type, any names.
 */
export type TopicParameters<Template extends string> = string extends Template
  ? { readonly [name: string]: string }
  : { readonly [Name in ParameterNames<Template>]: string };

/** A family of topics: what {@link parseTemplate} made of `websocket.user.{uuid}.events`. Frozen. */
export interface TopicTemplate<Template extends string = string> {
  /** The text it was parsed from. */
  readonly template: Template;
  /** Its parameters, in order of appearance. */
  readonly parameters: readonly string[];
  /** The pattern of all members, spelled as a subject: `websocket.user.*.events`. */
  readonly pattern: string;
  /**
   * The topic of one member.
   *
   * @throws BusError `TERABUS_TOPIC_PARAMETER` when a value is missing, is not a parameter, or is not exactly one
   * token: a non-empty string of well-formed Unicode without `.`
   */
  expand(values: TopicParameters<Template>): string;
  /**
   * The values with which a topic is a member; undefined if it is none. A topic with an empty token in a parameter's
   * place is none, though the pattern matches its subject (`*` stands for `%` too): it can't be expanded either.
   */
  match(topic: string): TopicParameters<Template> | undefined;
}

/**
 * Parses the template of a family of topics. A parameter is an identifier in braces that is a whole token and stands
 * for exactly one token, so that the family has one pattern and each member one set of values. Braces have no other
 * use in a template. One without parameters is a family of one.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`
 */
export function parseTemplate<const Template extends string>(template: Template): TopicTemplate<Template> {
  checkTopic(template);
  const tokens = template.split('.').map((token) => parseToken(token, template));
  const parameters = tokens.flatMap((token) => token.parameter ?? []);
  const repeated = parameters.find((name, i) => parameters.indexOf(name) !== i);
  if (repeated !== undefined) throw invalid(template, `its parameter ${repeated} appears twice`);

  const pattern = patternOf(tokens);

  const expand = (values: Readonly<Record<string, unknown>> = {}): string => {
    for (const name of Object.keys(values)) {
      if (!parameters.includes(name)) throw badValue(template, name, 'is not one of its parameters');
    }
    const text = tokens.map(({ literal, parameter }) => {
      if (parameter === undefined) return literal;
      const value = Object.hasOwn(values, parameter) ? values[parameter] : undefined;
      checkValue(template, parameter, value);
      return value;
    });
    return text.join('.');
  };

  const match = (topic: string): Record<string, string> | undefined => {
    const texts = topic.split('.');
    if (texts.length !== tokens.length) return undefined;
    const values: [string, string][] = [];
    for (const [i, { literal, parameter }] of tokens.entries()) {
      const text = texts[i] as string;
      if (parameter === undefined ? text !== literal : !isValue(text)) return undefined;
      if (parameter !== undefined) values.push([parameter, text]);
    }
    // Own properties whatever the name: an assignment to `__proto__` would not be one.
    return Object.fromEntries(values);
  };

  return Object.freeze({
    template,
    parameters: Object.freeze(parameters),
    pattern,
    expand,
    match: match as TopicTemplate<Template>['match'],
  });
}

/** One token of a template: a literal as OpenTera spells it, or a parameter. */
interface Token {
  readonly literal: string;
  readonly parameter?: string;
}

function parseToken(token: string, template: string): Token {
  const parameter = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(token)?.[1];
  if (parameter !== undefined) return { literal: '', parameter };
  if (/[{}]/.test(token)) {
    throw invalid(
      template,
      `a parameter is a whole token, {name} with an identifier for a name; ${printable(token)} is not`,
    );
  }
  return { literal: token };
}

function patternOf(tokens: readonly Token[]): string {
  // A stand-in that needs no escape keeps the place of each parameter while the literals are escaped.
  const subject = toSubject(
    tokens.map(({ literal, parameter }) => (parameter === undefined ? literal : 'x')).join('.'),
  );
  return subject
    .split('.')
    .map((token, i) => (tokens[i]?.parameter === undefined ? token : '*'))
    .join('.');
}

function isValue(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('.') && value.isWellFormed();
}

function checkValue(template: string, name: string, value: unknown): asserts value is string {
  if (isValue(value)) return;
  if (value === undefined) throw badValue(template, name, 'is missing');
  throw badValue(template, name, `is one token, a non-empty text without ".", not ${printable(value)}`);
}

function invalid(template: string, what: string): BusError {
  return new BusError(`the template ${printable(template)} is not one of topics: ${what}`, {
    reason: 'TERABUS_TOPIC_INVALID',
  });
}

function badValue(template: string, name: string, what: string): BusError {
  return new BusError(`topic ${printable(template)}: the parameter ${printable(name)} ${what}`, {
    reason: 'TERABUS_TOPIC_PARAMETER',
  });
}
