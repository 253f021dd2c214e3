import { writeFileSync } from 'node:fs';
import type { Result } from '../run/result.js';
import { legend } from '../run/sample.js';
import { renderPicture } from './picture.js';
import { summaryOf } from './summary.js';
import { markdownTable, tableOf } from './table.js';

/** Writes `docs/performance.md` and its picture. */
export function writePage(result: Result): void {
  const docs = new URL('../../../../docs/', import.meta.url);
  writeFileSync(new URL('performance.svg', docs), renderPicture(result));
  writeFileSync(new URL('performance.md', docs), renderPage(result));
}

/** The page of a run: picture, tables, and what they stand on. */
export function renderPage(result: Result): string {
  const { command, machine, versions, rounds, cases } = result;
  const { cpu, cores, memoryGb, system, load } = machine;
  const stoodOn = [
    ['command', `\`${command}\``],
    ['machine', `${cores} cores of ${cpu}, ${memoryGb} GB, ${system}; publisher, subscriber and server share them`],
    ['load before and behind', load.join(', ')],
    ...Object.entries(versions),
  ];
  const sections = cases.map((one) => `## ${one.title}\n\n${one.explains}\n\n${markdownTable(tableOf(one))}\n`);
  return `# What Terabus costs

![Bars for each contender: what is handled in a second, and how long an event takes as work grows. The tables have the same figures.](performance.svg)

${markdownTable(summaryOf(cases))}

*By hand* is nats.js with the stock code of ts-proto; of batches, one event in each envelope. What was not measured has a dash. These are the figures of one run, written by \`npm run bench -- --page <file>\`. [How it is made fair](decisions/025-how-the-bench-is-fair.md).

${markdownTable({ header: ['', ''], rows: stoodOn })}

Each row was measured in rounds that alternate the contenders (${rounds} of them); a figure is the median of its rounds. In each round publisher and
subscriber are processes of their own, with a nats-server of their own, warm before they are measured. Every message was seen to arrive, once, and in order where that is
promised; where one is missing there is a failure and no figure.

${legend.map(([name, meaning]) => `- **${name}**: ${meaning}.`).join('\n')}
- **Terabus, all on**: with validation, logging, timeouts and keyed concurrency (64 keys). The line that \`logging()\` has for each message has the
  level debug, and the logger's is info, as in production; *logged* writes it.

${sections.join('\n')}`;
}
