import { styleText } from 'node:util';
import { essence } from './essence.js';
import { InOrder } from './in-order.js';
import { readersOf, shortName, withNames } from './names.js';
import type { Crossing, LogLine, Sighting } from './sighting.js';

const arrows = { event: '»', message: '→', text: '→', call: '⇄' } as const;
const colours = { event: 'cyan', message: 'yellow', text: 'magenta', call: 'green' } as const;
type Colour = (typeof colours)[keyof typeof colours] | 'red' | 'dim';

/** One line for everything that crosses the bus. */
export class LiveView {
  readonly #lines = new InOrder<Crossing | LogLine>((seen) => this.#print(seen));
  readonly #colourful: boolean;
  /** What was seen before the view is opened: the parts speak as soon as each is there. */
  #early: Sighting[] | undefined = [];

  constructor(private readonly out: NodeJS.WriteStream) {
    this.#colourful = out.isTTY === true && !process.env['NO_COLOR'];
  }

  /** Says what is running, then shows all that was and will be seen. */
  open(text: string): void {
    this.say(text);
    const early = this.#early ?? [];
    this.#early = undefined;
    early.forEach(this.show);
  }

  readonly show = (seen: Sighting): void => {
    if (this.#early !== undefined) {
      this.#early.push(seen);
      return;
    }
    if (seen.kind === 'log-line') this.#lines.add(seen);
    // The logger says what it keeps: lines of the log need not be shown on their way to it.
    if (seen.kind === 'crossing' && !seen.topic.startsWith('log.')) this.#lines.add(seen);
  };

  say(text: string): void {
    this.#lines.flush();
    this.out.write(`${text}\n`);
  }

  end(): void {
    this.#lines.flush();
  }

  #print(seen: Crossing | LogLine): void {
    const time = this.#in('dim', timeOf(seen.at));
    this.out.write(
      seen.kind === 'log-line' ? `${time}  ${this.#ofLog(seen)}\n` : `${time}  ${this.#ofCrossing(seen)}\n`,
    );
  }

  #ofLog({ text }: LogLine): string {
    return this.#in('dim', `${'logger'.padEnd(15)}   ${''.padEnd(15)} ${withNames(text)}`);
  }

  #ofCrossing(crossing: Crossing): string {
    const { how, from, topic, type, error } = crossing;
    const way = `${shortName(from).padEnd(15)} ${arrows[how]} ${readersOf(topic).padEnd(15)}`;
    return `${way} ${this.#in(error ? 'red' : colours[how], type.padEnd(21))} ${essence(crossing)}`;
  }

  #in(colour: Colour, text: string): string {
    // Decided above, for the stream that is written to.
    return this.#colourful ? styleText(colour, text, { validateStream: false }) : text;
  }
}

function timeOf(at: number): string {
  const date = new Date(at);
  const pad = (value: number, length = 2) => `${value}`.padStart(length, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}
