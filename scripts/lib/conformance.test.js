import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conformanceTables } from './conformance.js';

const cases = [
  { suite: 'transport', over: 'nats', title: 'patterns: a.* | b: match', runs: true },
  { suite: 'transport', over: 'memory', title: 'patterns: a.* | b: match', runs: false },
  { suite: 'streams', over: 'memory', title: 'reading: finds', runs: false },
];

test('each case has a row, and each transport a column', () => {
  assert.equal(
    conformanceTables(cases),
    [
      '### transport: patterns',
      '',
      '| case | memory | nats |',
      '| --- | --- | --- |',
      '| a.\\* \\| b: match | – | ✔ |',
      '',
      '### streams: reading',
      '',
      '| case | memory | nats |',
      '| --- | --- | --- |',
      '| finds | – |   |',
      '',
    ].join('\n'),
  );
});
