import { expect } from 'chai';
import { describe, it } from 'mocha';
import { cases } from '../cases/cases.js';
import type { CaseResult } from '../run/result.js';
import { example } from './example.js';
import { renderPage } from './page.js';
import { renderPicture, shownVariants } from './picture.js';
import { markdownTable, tableOf, textTable } from './table.js';

const [events, topics] = example.cases as [CaseResult, CaseResult];

describe('the table of a case', () => {
  it('has medians, the range of the rounds, and what they are of the base', () => {
    expect(tableOf(events)).to.deep.equal({
      header: ['', 'contender', 'per second (median)', 'lowest – highest', '× the base', 'pub CPU µs'],
      rows: [
        ['200 B', 'by hand', '70,000', '60,000 – 80,000', '1.00 ×', '14.3'],
        ['', 'Terabus', '105,000', '100,000 – 140,000', '1.50 ×', '9.5'],
        ['', 'Moleculer', 'not installed', '', '', ''],
      ],
    });
  });

  it('holds each row against that of the first variant where work grows', () => {
    const ratios = tableOf(topics).rows.map((cells) => [cells[0], cells[4]]);
    expect(ratios).to.deep.equal([
      ['1 topic', '1.00 ×'],
      ['10 topics', '0.50 ×'],
    ]);
  });

  it('has no ratio where the base was left out', () => {
    const [variant] = events.variants;
    const rows = variant?.rows.filter(({ name }) => name === 'Terabus') ?? [];
    const alone = { ...events, variants: [{ name: '200 B', base: 'by hand', rows }] };
    expect(tableOf(alone).rows).to.deep.equal([['200 B', 'Terabus', '105,000', '100,000 – 140,000', '–', '9.5']]);
  });

  it('stands in columns in a terminal', () => {
    const [first, second] = textTable({
      header: ['', 'who', 'n'],
      rows: [['a', 'somebody', '12,345']],
    }).split('\n');
    expect([first, second]).to.deep.equal(['   who            n', 'a  somebody  12,345']);
  });

  it('is Markdown on a page', () => {
    const table = markdownTable({ header: ['', 'who', 'n'], rows: [['a', 'b|c', '1']] });
    expect(table).to.equal('|  | who | n |\n| --- | --- | ---: |\n| a | b\\|c | 1 |');
  });
});

describe('the page of a run', () => {
  const page = renderPage(example);

  it('has the command, the machine and the versions', () => {
    const expected = [
      '| command | `npm run bench -- --json run.json` |',
      '| machine | 2 cores of Example <1 & 2>, 8 GB, Linux 6; publisher, subscriber and server share them |',
      '| load before and behind | 0.1, 2.2 |',
      '| nats-server | 2.9.10 |',
    ];
    expect(expected.filter((line) => !page.includes(line))).to.deep.equal([]);
  });

  it('begins with what Terabus does beside each of the others', () => {
    expect(page).to.include('| Events, 200 B | 105,000 | 1.50 × | – | – |');
  });

  it('has a chapter with a table for each case, in their order', () => {
    const chapters = [...page.matchAll(/^## (.*)\n\n(.*)\n\n\| {2}\| contender/gm)].map(([, title, text]) => [
      title,
      text,
    ]);
    expect(chapters).to.deep.equal([
      ['Events', 'One publishes, one handles.'],
      ['More topics', 'More and more.'],
    ]);
  });
});

describe('the picture of a run', () => {
  const picture = renderPicture(example);
  const widths = [...picture.matchAll(/<rect class="[to]" .*? width="([\d.]+)"/g)].map(([, width]) => Number(width));

  it('has a bar for each contender that was measured, as long as its figure', () => {
    const [byHand = 0, terabus = 0] = widths;
    expect(byHand / terabus).to.be.closeTo(70 / 105, 0.01);
  });

  it('shows the time of an event as work grows', () => {
    const [, , one = 0, ten = 0] = widths;
    expect([widths.length, one / ten]).to.deep.equal([4, 0.5]);
    expect(picture).to.include('>20.0</text>');
  });

  it('says the same in words, and for dark pages', () => {
    expect(picture).to.include('Events: 200 B, per second: by hand 70,000 · 1.00 ×, Terabus 105,000 · 1.50 ×.');
    expect(picture).to.include('@media (prefers-color-scheme: dark)');
  });

  it('has room for the name of each row', () => {
    const names = cases.flatMap(({ variants }) => variants.flatMap(({ rows }) => rows.map(({ name }) => name)));
    expect(names.filter(({ length }) => length > 26)).to.deep.equal([]);
  });

  it('shows variants that there are', () => {
    const known = cases.flatMap(({ name, variants }) => variants.map((variant) => `${name} ${variant.name}`));
    expect(shownVariants.map((shown) => shown.join(' ')).filter((shown) => !known.includes(shown))).to.deep.equal([]);
  });
});
