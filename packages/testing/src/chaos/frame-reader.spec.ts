import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { FrameReader, type Watch } from './frame-reader.js';

const all: Watch = { isOn: true, watches: () => true };
const some: Watch = { isOn: true, watches: (subject) => subject.startsWith('a') };
const none: Watch = { isOn: false, watches: () => false };

/** What comes out: messages as `[subject, headers, payload]`, all else as text. */
function read(reader: FrameReader, ...chunks: (string | Buffer)[]) {
  return chunks
    .flatMap((chunk) => reader.push(Buffer.from(chunk)))
    .map((piece) =>
      piece instanceof Uint8Array ? `${piece}` : [piece.subject, `${piece.headers}`, `${piece.payload}`, piece.replyTo],
    );
}

describe('FrameReader', () => {
  it('finds what clients publish, and leaves all other lines as they are', () => {
    const reader = new FrameReader('to-server', all);
    expect(
      read(
        reader,
        'CONNECT {}\r\nPING\r\nPUB a 2\r\nhi\r\nPUB a.b reply 0\r\n\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nyo\r\nPONG\r\nSUB a 1\r\n',
      ),
    ).to.deep.equal([
      'CONNECT {}\r\nPING\r\n',
      ['a', '', 'hi', undefined],
      ['a.b', '', '', 'reply'],
      ['a', 'NATS/1.0\r\n\r\n', 'yo', undefined],
      'PONG\r\nSUB a 1\r\n',
    ]);
  });

  it('finds what is delivered', () => {
    const reader = new FrameReader('to-client', all);
    const text = '+OK\r\nMSG a 7 2\r\nhi\r\nMSG a 7 r 2\r\nhi\r\nHMSG a 7 r 12 12\r\nNATS/1.0\r\n\r\n\r\nPING\r\n';
    expect(read(reader, text)).to.deep.equal([
      '+OK\r\n',
      ['a', '', 'hi', undefined],
      ['a', '', 'hi', 'r'],
      ['a', 'NATS/1.0\r\n\r\n', '', 'r'],
      'PING\r\n',
    ]);
  });

  it('takes no payload for a line', () => {
    const reader = new FrameReader('to-server', all);
    expect(read(reader, 'PUB b 13\r\nPUB a 2\r\nhi\r\n\r\nPUB a 1\r\nx\r\n')).to.deep.equal([
      ['b', '', 'PUB a 2\r\nhi\r\n', undefined],
      ['a', '', 'x', undefined],
    ]);
  });

  it('reads the spellings that servers read', () => {
    const reader = new FrameReader('to-server', all);
    expect(read(reader, 'pub\ta  1\r\nx\r\nPUB é   r\t1 \nx\r\n')).to.deep.equal([
      ['a', '', 'x', undefined],
      ['é', '', 'x', 'r'],
    ]);
  });

  it('lets pass what makes no sense', () => {
    for (const line of [
      'PUB',
      'PUB a',
      'PUB a b c 1',
      'PUB a -1',
      'PUB a 999999999',
      'HPUB a 5 4',
      'PUBA 2',
      'MSG a 1 1',
    ]) {
      expect(read(new FrameReader('to-server', all), `${line}\r\n`), line).to.deep.equal([`${line}\r\n`]);
    }
  });

  it('lets all but the watched subjects pass in one piece', () => {
    const reader = new FrameReader('to-server', some);
    expect(read(reader, 'PUB b 2\r\nhi\r\nPUB b 2\r\nhi\r\nPUB a 2\r\nhi\r\nPUB b 2\r\nhi\r\n')).to.deep.equal([
      'PUB b 2\r\nhi\r\nPUB b 2\r\nhi\r\n',
      ['a', '', 'hi', undefined],
      'PUB b 2\r\nhi\r\n',
    ]);
  });

  it('holds nothing back when nothing is watched, and starts between two messages when something is', () => {
    let watch = none;
    const reader = new FrameReader('to-server', {
      get isOn() {
        return watch.isOn;
      },
      watches: (subject) => watch.watches(subject),
    });
    expect(read(reader, 'P', 'UB a', ' 2\r', '\nh')).to.deep.equal(['P', 'UB a', ' 2\r', '\nh']);
    expect(read(reader, 'i\r\nPUB')).to.deep.equal(['i\r\nPUB']);
    watch = all;
    expect(read(reader, ' a 2\r\nhi\r\nPUB a 1\r\nx\r\n')).to.deep.equal([' a 2\r\nhi\r\n', ['a', '', 'x', undefined]]);
  });

  it('puts what is inserted between two messages', () => {
    const reader = new FrameReader('to-server', some);
    expect(reader.insert(Buffer.from('X'))).to.have.length(1);
    expect(read(reader, 'PUB b 3\r\nh')).to.deep.equal(['PUB b 3\r\nh']);
    expect(reader.insert(Buffer.from('X'))).to.have.length(0);
    expect(read(reader, 'iy\r\nPING\r\n')).to.deep.equal(['iy\r\n', 'X', 'PING\r\n']);
    read(reader, 'PUB a 3\r\nh');
    expect(reader.insert(Buffer.from('X')), 'in front of one that is being collected').to.have.length(1);
  });

  it('gives back what a stream that ends leaves behind', () => {
    for (const text of ['PUB a', 'PUB a 3\r\nh', 'HP']) {
      const reader = new FrameReader('to-server', all);
      expect(read(reader, text)).to.deep.equal([]);
      expect(`${reader.rest()}`).to.equal(text);
      expect(`${reader.rest()}`).to.equal('');
    }
  });

  const stream = fc
    .array(
      fc.oneof(
        fc.constantFrom('PING\r\n', 'CONNECT {}\r\n', 'SUB a 1\r\n', '\r\n', 'PUBLISH\r\n', 'P\n', 'H\r\n'),
        fc
          .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('', 'r '), fc.string({ maxLength: 12 }))
          .map(([subject, reply, text]) => `PUB ${subject} ${reply}${Buffer.byteLength(text)}\r\n${text}\r\n`),
        fc
          .string({ maxLength: 12 })
          .map((text) => `HPUB a 12 ${12 + Buffer.byteLength(text)}\r\nNATS/1.0\r\n\r\n${text}\r\n`),
      ),
    )
    .map((parts) => parts.join(''));

  for (const [name, watch] of Object.entries({ all, some, none })) {
    it(`gives out what went in, however it is cut (watching ${name})`, () => {
      fc.assert(
        fc.property(stream, fc.array(fc.nat(200)), (text, cuts) => {
          const bytes = Buffer.from(text);
          const places = [...new Set(cuts.filter((cut) => cut < bytes.length))].sort((a, b) => a - b);
          const chunks = [0, ...places].map((start, i) => bytes.subarray(start, places[i]));
          const reader = new FrameReader('to-server', watch);
          const out = chunks.flatMap((chunk) => reader.push(chunk));
          const whole = new FrameReader('to-server', watch).push(bytes);
          const messages = (pieces: typeof out) => pieces.filter((piece) => !(piece instanceof Uint8Array));

          const wires = out.map((piece) => (piece instanceof Uint8Array ? piece : piece.wire));
          expect(Buffer.concat([...wires, reader.rest()]).toString()).to.equal(text);
          expect(messages(out)).to.deep.equal(messages(whole));
        }),
      );
    });
  }
});
