import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { toSubject } from './escape.js';
import { anyTopic } from './generate.spec.js';
import { matches } from './pattern.js';
import { parseTemplate, type TopicParameters } from './template.js';

describe('parseTemplate', () => {
  const person = parseTemplate('websocket.{kind}.{uuid}.events');

  it('knows its parameters and its pattern', () => {
    expect(person.template).to.equal('websocket.{kind}.{uuid}.events');
    expect(person.parameters).to.deep.equal(['kind', 'uuid']);
    expect(person.pattern).to.equal('websocket.*.*.events');
    expect(person).to.satisfy(Object.isFrozen);
    expect(person.parameters).to.satisfy(Object.isFrozen);
  });

  it('spells the pattern as a subject', () => {
    expect(parseTemplate('{a}.$b.é.*.').pattern).to.equal('*.$b.%C3%A9.%2A.%');
    expect(parseTemplate('$b.{a}').pattern).to.equal('%24b.*');
    expect(parseTemplate('log').pattern).to.equal('log');
  });

  it('expands to a topic', () => {
    expect(person.expand({ kind: 'user', uuid: '42' })).to.equal('websocket.user.42.events');
    expect(parseTemplate('service.{key}.rpc').expand({ key: 'Télé *' })).to.equal('service.Télé *.rpc');
    expect(parseTemplate('log').expand({})).to.equal('log');
  });

  it('finds the values of a member', () => {
    expect(person.match('websocket.user.42.events')).to.deep.equal({ kind: 'user', uuid: '42' });
    expect(parseTemplate('log').match('log')).to.deep.equal({});
    expect(parseTemplate('a.{__proto__}').match('a.b')).to.have.own.property('__proto__', 'b');
  });

  for (const topic of [
    'websocket.user.42',
    'websocket.user.42.events.x',
    'websocket.user..events',
    'websocket.user.42.Events',
    'websocket.a.\ud800.events',
    '',
  ]) {
    it(`has no member ${JSON.stringify(topic)}`, () => expect(person.match(topic)).to.equal(undefined));
  }

  const bad: [what: string, values: Record<string, unknown>, message: string][] = [
    ['a missing value', { kind: 'user' }, '"uuid" is missing'],
    ['an undefined value', { kind: 'user', uuid: undefined }, '"uuid" is missing'],
    ['an unknown value', { kind: 'user', uuid: '42', uid: '42' }, '"uid" is not one of its parameters'],
    ['an empty value', { kind: 'user', uuid: '' }, '"uuid" is one token, a non-empty text without ".", not ""'],
    ['two tokens', { kind: 'user', uuid: 'a.b' }, 'not "a.b"'],
    ['half a surrogate pair', { kind: 'user', uuid: 'a\ud800\n' }, 'not "a\\u{d800}\\u{a}"'],
    ['a number', { kind: 'user', uuid: 42 }, 'not number'],
    ['null', { kind: 'user', uuid: null }, 'not null'],
    ['a long text', { kind: 'user', uuid: `.${'x'.repeat(1_000)}` }, `not ".${'x'.repeat(63)}…"`],
  ];
  for (const [what, values, message] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => person.expand(values as { kind: string; uuid: string }))
        .to.throw('topic "websocket.{kind}.{uuid}.events": the parameter')
        .with.property('reason', 'TERABUS_TOPIC_PARAMETER');
      expect(() => person.expand(values as { kind: string; uuid: string })).to.throw(message);
    });
  }

  it('refuses to be called without values', () => {
    expect(() => (person.expand as () => string)()).to.throw('"kind" is missing');
  });

  it('does not take what every object has for a value', () => {
    expect(() => parseTemplate('a.{constructor}').expand({} as { constructor: string })).to.throw('is missing');
  });

  for (const template of [
    '',
    'a.{b}c',
    'a{b}',
    'a.{}',
    'a.{1}',
    'a.{b-c}',
    'a.{b',
    'a.b}',
    'a.{b}.{b}',
    'a.{{b}}',
    'a.{b.c}',
    '\ud800',
  ]) {
    it(`refuses the template ${JSON.stringify(template)}`, () => {
      expect(() => parseTemplate(template))
        .to.throw()
        .with.property('reason', 'TERABUS_TOPIC_INVALID');
    });
  }

  it('matches what it expands, and its pattern matches the subject', () => {
    const value = anyTopic.map((topic) => topic.replaceAll('.', '')).filter((text) => text !== '');
    const literal = anyTopic.filter((topic) => !/[{}]/.test(topic));
    fc.assert(
      fc.property(literal, value, value, (text, a, b) => {
        for (const family of [parseTemplate(`${text}.{a}.x.{b}`), parseTemplate(`{a}.${text}.{b}`)]) {
          const topic = (family as ReturnType<typeof parseTemplate>).expand({ a, b });
          expect(family.match(topic)).to.deep.equal({ a, b });
          expect(matches(family.pattern, toSubject(topic))).to.equal(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('types its values by the literal of the template', () => {
    const values: TopicParameters<'websocket.{kind}.{uuid}.events'> = { kind: 'user', uuid: '42' };
    const none: TopicParameters<'a.b'> = {};
    const any: TopicParameters<string> = { anything: 'goes' };
    const typed = () => {
      // @ts-expect-error: a value is missing
      person.expand({ kind: 'user' });
      // @ts-expect-error: not one of its parameters
      person.expand({ kind: 'user', uuid: '42', uid: '42' });
      // @ts-expect-error: values are texts
      person.expand({ kind: 'user', uuid: 42 });
      // @ts-expect-error: values are read-only
      values.uuid = '43';
    };
    expect([values, none, any, typed]).to.have.length(4);
  });
});
