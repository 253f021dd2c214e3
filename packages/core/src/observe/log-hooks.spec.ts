import { expect } from 'chai';
import { describe, it } from 'mocha';
import { pino } from 'pino';
import { logHooks } from './log-hooks.js';

describe('logHooks', () => {
  it('keep control characters and line ends out of a line, and what it says', () => {
    const lines: string[] = [];
    const logger = pino({ hooks: logHooks }, { write: (line: string) => lines.push(line) });
    const text = 'a\u0000\u001b[31m\u007f\u0085\u009b\u2028\u2029\n\u00a0é🩺';

    logger.child({ topic: text }).error({ [text]: text }, text);

    const [line = ''] = lines;
    expect(lines).to.have.length(1);
    expect(line).to.match(/^[^\p{Cc}\u2028\u2029]+\n$/u);
    expect(JSON.parse(line)).to.include({ topic: text, [text]: text, msg: text });
  });
});
