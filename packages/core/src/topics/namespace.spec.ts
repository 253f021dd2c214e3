import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkedPattern, checkedSubject, checkNamespace, withNamespace, withoutNamespace } from './namespace.js';

describe('namespaces', () => {
  it('takes 1 to 32 letters, digits, underscores and dashes', () => {
    for (const namespace of ['a', 'prod', 'Prod_2-b', 'x'.repeat(32)]) checkNamespace(namespace);
    for (const namespace of ['', 'x'.repeat(33), 'a.b', 'é', 'a b', '*', '@a', '%', 'a\n', 7, undefined]) {
      expect(() => checkNamespace(namespace), String(namespace))
        .to.throw()
        .with.property('reason', 'TERABUS_NAMESPACE_INVALID');
    }
  });

  it('puts subjects and patterns behind it, and takes them back', () => {
    expect(withNamespace('log.*', 'prod')).to.equal('@prod.log.*');
    expect(withNamespace('log.info')).to.equal('log.info');
    expect(withoutNamespace('@prod.log.info', 'prod')).to.equal('log.info');
    expect(withoutNamespace('log.info')).to.equal('log.info');
  });

  it('sees nothing of other deployments', () => {
    expect(withoutNamespace('@production.log', 'prod')).to.equal(undefined);
    expect(withoutNamespace('log', 'prod')).to.equal(undefined);
    expect(withoutNamespace('@prod.log')).to.equal(undefined);
    expect(checkedSubject('@prod.log')).to.equal('%40prod.log');
  });
});

describe('checkedSubject', () => {
  it('escapes behind the namespace', () => {
    expect(checkedSubject('$a.b c', 'prod')).to.equal('@prod.%24a.b%20c');
    expect(checkedPattern('log.*', 'prod')).to.equal('@prod.log.*');
  });

  it('takes 255 bytes with namespace and escapes, and not one more', () => {
    const fits: [topic: string, namespace: string | undefined][] = [
      ['x'.repeat(255), undefined],
      [`${'é'.repeat(42)}xxx`, undefined],
      ['x'.repeat(249), 'prod'],
    ];
    for (const [topic, namespace] of fits) {
      expect(checkedSubject(topic, namespace)).to.have.length(255);
      expect(() => checkedSubject(`${topic}x`, namespace))
        .to.throw('256 bytes')
        .with.property('reason', 'TERABUS_TOPIC_TOO_LONG');
    }
    expect(() => checkedPattern(`${'x'.repeat(254)}.*`))
      .to.throw()
      .with.property('reason', 'TERABUS_TOPIC_TOO_LONG');
  });

  it('refuses bad namespaces, topics and patterns with their own reasons', () => {
    expect(() => checkedSubject('a', 'b.c'))
      .to.throw()
      .with.property('reason', 'TERABUS_NAMESPACE_INVALID');
    expect(() => checkedSubject(''))
      .to.throw()
      .with.property('reason', 'TERABUS_TOPIC_INVALID');
    expect(() => checkedPattern('a.>.b'))
      .to.throw()
      .with.property('reason', 'TERABUS_PATTERN_INVALID');
  });
});
