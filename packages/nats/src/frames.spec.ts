import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { Frames } from './frames.js';

const block = 'NATS/1.0\r\nA: 1\r\n\r\n';

const frames = [
  'MSG ward.events 7 5\r\nfirst\r\n',
  'MSG ward.events 7 _REPLY.a.0.1 0\r\n\r\n',
  `HMSG ward.events 12 ${block.length} ${block.length + 2}\r\n${block}hi\r\n`,
  `HMSG ward.events 12 _REPLY.a.0.2 ${block.length} ${block.length}\r\n${block}\r\n`,
  'PONG\r\n',
  'MSG ward.é 7 4\r\n\r\n\r\n\r\n',
  '-ERR \'Permissions Violation for Publish to "MSG a 1 1"\'\r\n',
  'MSG a 1 3\r\nMSG\r\n',
  // As servers write their statuses: with two spaces, where a reply subject would be.
  `HMSG a 1  ${block.length} ${block.length}\r\n${block}\r\n`,
];

/** What the frames above are, whoever reads them. */
const read = [
  '7 ward.events first',
  '7 ward.events _REPLY.a.0.1 ',
  '12 ward.events A=1 hi',
  '12 ward.events _REPLY.a.0.2 A=1 ',
  'rest PONG\r\n',
  '7 ward.é \r\n\r\n',
  'rest -ERR \'Permissions Violation for Publish to "MSG a 1 1"\'\r\n',
  '1 a MSG',
  '1 a A=1 ',
];

describe('frames off the wire', () => {
  let seen: string[];
  let reader: Frames;

  beforeEach(() => {
    seen = [];
    reader = new Frames({
      message: (subscription, message) => {
        const { subject, replyTo } = message;
        const headers = [...message.headers()].map(([name, value]) => `${name}=${value}`);
        const words = [subscription, subject, ...(replyTo === undefined ? [] : [replyTo]), ...headers];
        seen.push(`${words.join(' ')} ${Buffer.from(message.bytes())}`);
      },
      rest: (bytes) => seen.push(`rest ${Buffer.from(bytes)}`),
    });
  });

  const wire = Buffer.from(frames.join(''));
  /** The bytes that the other reader got, one behind the other. */
  const rest = () =>
    seen
      .filter((line) => line.startsWith('rest '))
      .map((line) => line.slice('rest '.length))
      .join('');

  it('are messages of subscriptions, and a rest that is not', () => {
    reader.read(wire);
    expect(seen).to.deep.equal(read);
  });

  it('have their own subject, however much it is like the one before', () => {
    const subjects = ['a.1', 'a.2', 'b.2', 'b.2', 'b.22', 'b.2', 'é.', 'a.2'];
    for (const subject of subjects) reader.read(Buffer.from(`MSG ${subject} 1 0\r\n\r\n`));
    expect(seen).to.deep.equal(subjects.map((subject) => `1 ${subject} `));
  });

  it('are found at whichever place a chunk ends', () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      seen = [];
      reader.read(wire.subarray(0, cut));
      reader.read(wire.subarray(cut));
      expect(seen, `cut at ${cut}`).to.deep.equal(read);
    }
  });

  it('are found though every byte comes by itself', () => {
    for (const byte of wire) reader.read(Uint8Array.of(byte));
    expect(seen).to.deep.equal(read);
  });

  it('of many chunks are put together', () => {
    const large = `MSG a 1 1000000\r\n${'x'.repeat(1_000_000)}\r\n`;
    const both = Buffer.from(large + frames[0]);
    for (let at = 0; at < both.length; at += 30_001) reader.read(both.subarray(at, at + 30_001));
    expect(seen.map(({ length }) => length)).to.deep.equal([1_000_004, read[0]?.length]);
  });

  it('that are too large to be put together go to the other reader, and those behind them are found again', () => {
    const large = `MSG a 1 3000000\r\n${'x'.repeat(3_000_000)}\r\n`;
    const both = Buffer.from(large + frames[0]);
    for (let at = 0; at < both.length; at += 30_001) reader.read(both.subarray(at, at + 30_001));
    expect(rest() === large).to.equal(true);
    expect(seen.at(-1)).to.equal(read[0]);
  });

  it('that were put together are judged by the other reader too, with all that is behind them', () => {
    reader.read(Buffer.from('MSG a 1 1\r\n'));
    reader.read(Buffer.from(`xyz${frames[0]}`));
    expect(seen.every((line) => line.startsWith('rest '))).to.equal(true);
    expect(rest()).to.equal(`MSG a 1 1\r\nxyz${frames[0]}`);
  });

  it('lie where they are: nothing is copied until somebody asks', () => {
    const chunk = Buffer.from(frames[0] as string);
    let view: Uint8Array = new Uint8Array();
    new Frames({ message: (_, message) => (view = message.view()), rest: () => {} }).read(chunk);
    expect(view.buffer).to.equal(chunk.buffer);
    expect(`${Buffer.from(view)}`).to.equal('first');
  });

  const odd = {
    'a size that is none': 'MSG a 1 x\r\n',
    'a size that is negative': 'MSG a 1 -1\r\n',
    'no size': 'MSG a 1 \r\n',
    'a number of digits without end': `MSG a 1 ${'1'.repeat(20)}\r\n`,
    'a subscription that is none': 'MSG a b 1\r\nx\r\n',
    'too few words': 'MSG a 1\r\n',
    'too many words': 'MSG a 1 b c 1\r\nx\r\n',
    'two spaces': 'MSG  a 1 1\r\nx\r\n',
    'headers longer than the whole': `HMSG a 1 ${block.length} 2\r\n${block}\r\n`,
    'content that goes on behind its end': 'MSG a 1 1\r\nxy\r\n',
    'content whose end is no line break': 'MSG a 1 1\r\nxy\n',
    'more headers than bytes': 'HMSG a 1 6 2\r\nhi\r\n',
    'a line break that is none': 'MSG a 1 1\rxy\r\n',
    'small letters': `msg a 1 ${frames[0]?.length}\r\n${frames[0]}\r\n`,
    'headers and small letters': `hMsg a 1 ${block.length} ${block.length + 30}\r\n${block}${frames[0]}\r\n`,
    'a tab': `MSG\ta 1 ${frames[0]?.length}\r\n${frames[0]}\r\n`,
    'a longer name': 'MSGS a 1 1\r\nx\r\n',
    'no name': ' a 1 1\r\n',
  };
  for (const [what, bytes] of Object.entries(odd)) {
    it(`with ${what} are judged by the other reader, which goes on alone`, () => {
      reader.read(Buffer.from(bytes));
      if (what !== 'no name') reader.read(Buffer.from(frames[0] as string));
      expect(seen.every((line) => line.startsWith('rest '))).to.equal(true);
      expect(rest()).to.equal(what === 'no name' ? bytes : bytes + frames[0]);
    });
  }

  it('does not keep a line without end', () => {
    const line = Buffer.alloc(50_000, 'x');
    reader.read(line);
    expect(seen).to.deep.equal([]);
    reader.read(line);
    expect(rest()).to.have.length(100_000);
  });
});
