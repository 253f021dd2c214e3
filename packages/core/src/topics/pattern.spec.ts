import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { toSubject } from './escape.js';
import { checkPattern, compilePattern, matches, overlaps } from './pattern.js';

describe('matches', () => {
  const cases: [pattern: string, subject: string, matches: boolean][] = [
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'ab', false],
    ['ab', 'a', false],
    ['a.b', 'a.b', true],
    ['a.b', 'a', false],
    ['a', 'a.b', false],
    // FastStream's fake says yes to the next two.
    ['a.*', 'a', false],
    ['a.>', 'a', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b.d', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['*.*', 'a.b', true],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c.d', true],
    ['a.>', 'ab.c', false],
    ['a.*.>', 'a.b', false],
    ['a.*.>', 'a.b.c', true],
    ['>', 'a', true],
    ['>', 'a.b.c', true],
    ['a.*.b', 'a.%.b', true],
    ['a.%.b', 'a.%.b', true],
    ['a.%.b', 'a.x.b', false],
    ['log.%2A', 'log.%2A', true],
    ['log.%2A', 'log.info', false],
    ['module.*.rpc', 'module.TeraServer.LoginModule.rpc', false],
    ['module.*.*.rpc', 'module.TeraServer.LoginModule.rpc', true],
    ['X.events.>', 'X.events', false],
  ];
  for (const [pattern, subject, expected] of cases) {
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${subject}`, () => {
      expect(matches(pattern, subject)).to.equal(expected);
      expect(compilePattern(pattern)(subject)).to.equal(expected);
    });
  }

  it('agrees with a regular expression', () => {
    fc.assert(
      fc.property(anyPattern, anySubject, (pattern, subject) => {
        const expected = modelOf(pattern).test(subject);
        expect(matches(pattern, subject)).to.equal(expected);
        expect(compilePattern(pattern)(subject)).to.equal(expected);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('overlaps', () => {
  const cases: [a: string, b: string, overlaps: boolean][] = [
    ['a', 'a', true],
    ['a', 'b', false],
    ['a.*', '*.b', true],
    ['a.*', 'a', false],
    ['a.>', 'a', false],
    ['a.>', 'a.*', true],
    ['a.>', '*.b.c', true],
    ['a.*.>', 'a.b', false],
    ['a.*', 'b.>', false],
    ['>', '*', true],
    ['a.*.c', 'a.b.*', true],
    ['a.*.c', 'a.b.d', false],
    ['a.*.c', 'a.b', false],
  ];
  for (const [a, b, expected] of cases) {
    it(`${a} and ${b} ${expected ? 'overlap' : 'are apart'}`, () => {
      expect(overlaps(a, b)).to.equal(expected);
      expect(overlaps(b, a)).to.equal(expected);
    });
  }

  it('says whether some subject is matched by both', () => {
    const subjects = allSubjects(4);
    fc.assert(
      fc.property(anyPattern, anyPattern, (a, b) => {
        const witness = subjects.some((subject) => matches(a, subject) && matches(b, subject));
        expect(overlaps(a, b)).to.equal(witness);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('checkPattern', () => {
  it('takes subjects and wildcards', () => {
    for (const pattern of ['a', '>', '*', '*.>', 'a.*.b.>', 'a.%', '%24JS.>', 'a.$b']) checkPattern(pattern);
    fc.assert(fc.property(anyPattern, checkPattern));
    for (const topic of ['log.*', '>', 'a..b', '$JS']) checkPattern(toSubject(topic));
  });

  for (const pattern of [
    '',
    'a.',
    '.a',
    'a..b',
    '>.a',
    'a.>.b',
    'a*',
    '*a',
    'a.>>',
    '**',
    'a b',
    'é',
    '%41',
    '$JS.>',
    '_INBOX.*',
    '@prod.>',
    7,
    undefined,
  ]) {
    it(`refuses ${JSON.stringify(pattern)}`, () => {
      for (const check of [checkPattern, compilePattern as (pattern: unknown) => unknown]) {
        expect(() => check(pattern))
          .to.throw()
          .with.property('reason', 'TERABUS_PATTERN_INVALID');
      }
    });
  }
});

// Few tokens of few letters, so that matches are as likely as not. Four tokens at most: what allSubjects lists.
const letter = fc.constantFrom('a', 'b', 'aa', '%');
const anySubject = fc
  .array(letter, { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join('.'))
  .filter((s) => s !== '%');
const anyPattern = fc
  .tuple(fc.array(fc.oneof(letter, fc.constant('*')), { maxLength: 3 }), fc.constantFrom('>', '*', 'a'))
  .map(([tokens, last]) => [...tokens, last].join('.'));

function modelOf(pattern: string): RegExp {
  const source = pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+').replace(/>$/, '.+');
  return new RegExp(`^${source}$`);
}

function allSubjects(length: number): string[] {
  const tokens = ['a', 'b', 'aa', '%'];
  const longest = (n: number): string[] =>
    n === 1 ? tokens : longest(n - 1).flatMap((head) => tokens.map((token) => `${head}.${token}`));
  return Array.from({ length }, (_, i) => longest(i + 1)).flat();
}
