import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { anyIllFormed, anyTopic } from './generate.spec.js';
import { toName } from './name.js';

describe('toName', () => {
  const cases: [text: string, namespace: string | undefined, name: string][] = [
    ['module.TeraServer.UserManagerModule.events', undefined, 'module__TeraServer__UserManagerModule__events'],
    ['log.*', undefined, 'log___2A'],
    ['snake_case', undefined, 'snake_5Fcase'],
    ['é/\\@$', undefined, '_C3_A9_2F_5C_40_24'],
    ['log.info', 'prod', 'prod_-log__info'],
    ['log.info', 'pr_od', 'pr_5Fod_-log__info'],
    ['x'.repeat(64), undefined, 'x'.repeat(64)],
    ['x'.repeat(65), undefined, `${'x'.repeat(46)}_h7d70a52549704607`],
  ];
  for (const [text, namespace, name] of cases) {
    it(`names ${text}${namespace === undefined ? '' : ` in ${namespace}`}`, () => {
      expect(toName(text, namespace)).to.equal(name);
    });
  }

  it('cuts no escape in two', () => {
    // A cut behind the first `_` of the dot would leave `…__h…`: what `….h…` is named without a hash.
    for (let length = 40; length <= 46; length++) {
      const name = toName(`${'x'.repeat(length)}.é${'y'.repeat(30)}`);
      expect(name).to.match(/^x+(__)?(_C3)?(_A9)?y*_h[0-9a-f]{16}$/);
      expect(toName(name.replaceAll('__', '.'))).not.to.equal(name);
    }
  });

  it('refuses what is no topic and no namespace', () => {
    expect(() => toName(''))
      .to.throw()
      .with.property('reason', 'TERABUS_TOPIC_INVALID');
    expect(() => toName('a', 'b.c'))
      .to.throw()
      .with.property('reason', 'TERABUS_NAMESPACE_INVALID');
    fc.assert(
      fc.property(anyIllFormed, (text) => {
        expect(() => toName(text)).to.throw('well-formed');
      }),
    );
  });

  const anyNamespace = fc.option(fc.stringMatching(/^[ab_-]{1,4}$/), { nil: undefined });
  const anyText = fc.oneof(
    anyTopic,
    fc
      .array(fc.constantFrom('_', '__', '_h', '_-', '-', '.', 'h', 'a', 'b', '5F', '2E'))
      .map((parts) => `a${parts.join('')}`),
    // Long ones that differ at the end only.
    fc.tuple(fc.constantFrom('x', '.', '_'), fc.nat(80), anyTopic).map(([text, n, end]) => text.repeat(n) + end),
  );

  it('gives names that streams, consumers, queues and buckets take', () => {
    fc.assert(
      fc.property(anyText, anyNamespace, (text, namespace) => {
        expect(toName(text, namespace)).to.match(/^[A-Za-z0-9_-]{1,64}$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never gives two texts or namespaces one name', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(anyText, anyNamespace, (text, namespace) => {
        const name = toName(text, namespace);
        // The name of a name is the likeliest to collide with it.
        for (const [given, where] of [
          [text, namespace],
          [name, undefined],
        ] as const) {
          const key = JSON.stringify([given, where ?? null]);
          const named = toName(given, where);
          expect(seen.get(named) ?? key).to.equal(key);
          seen.set(named, key);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
