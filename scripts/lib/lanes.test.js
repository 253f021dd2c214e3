import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { SUMS } from './lane-reporter.js';
import { Lanes } from './lanes.js';

/** @type {string} */
let written;
/** @type {Lanes} */
let lanes;
beforeEach(() => {
  written = '';
  lanes = new Lanes((text) => {
    written += text;
  });
});

/** @param {number} passes @param {number} failures @param {string} rest */
const sums = (passes, failures, rest) => `${SUMS}${JSON.stringify({ passes, failures })}\n${rest}`;

test('stories of one lane are not torn by those of another', () => {
  const [first, second] = [lanes.open(), lanes.open()];
  first.onOutput('a1 ');
  second.onOutput('b1 ');
  first.onOutput('a2 ');
  assert.equal(written, 'a1 a2 ');
  second.onOutput('b2 ');
  first.onEnd();
  assert.equal(written, 'a1 a2 b1 b2 ');
  second.onOutput('b3 ');
  assert.equal(written, 'a1 a2 b1 b2 b3 ');
});

test('a sum of all is the last that is said', () => {
  const [first, second] = [lanes.open(), lanes.open()];
  second.onOutput(sums(20, 0, '20 passing'));
  second.onEnd();
  first.onOutput(`a\n${sums(1, 0, '1 passing')}`);
  first.onEnd();
  lanes.close(83.4);
  assert.equal(written, 'a\n\n  21 passing (1m 23s)\n\n');
});

test('failures of all lanes stand behind all stories, whole', () => {
  const [first, second] = [lanes.open(), lanes.open()];
  first.onOutput(`a\n${sums(1, 1, '1) a fails\n')}`);
  first.onEnd();
  second.onOutput(`b\n${sums(2, 2, '1) b fails\n2) c fails\n')}`);
  second.onEnd();
  lanes.close(1);
  assert.equal(written, 'a\nb\n1) a fails\n1) b fails\n2) c fails\n\n  3 passing (0m 1s)\n  3 failing\n\n');
});

test('a lane that ends before its sums is no success', () => {
  const lane = lanes.open();
  lane.onOutput('a\n');
  lane.onEnd();
  lanes.close(1);
  assert.match(written, /Not all specs have run/);
});
