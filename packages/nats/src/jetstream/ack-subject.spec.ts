import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AckReader, ackProbe, parseAckSubject } from './ack-subject.js';

const read = {
  ...{ stream: 'S', consumer: 'C', deliveries: 3, sequence: 17, storedAt: 1_795_413_040_532.220_5, pending: 5 },
};

const plain = '$JS.ACK.S.C.3.17.9.1795413040532220399.5';
const newer = '$JS.ACK.hub.abc.S.C.3.17.9.1795413040532220399.5.xyz';

describe('the subject where a message is acknowledged', () => {
  it('tells what the stream knows of the message', () => {
    expect(parseAckSubject(plain)).to.deep.equal({ ...read, replyTo: plain, subjectFront: '' });
  });

  it('may have domain and account in front, and a token at the end', () => {
    expect(parseAckSubject('$JS.ACK._.abc.S.C.3.17.9.1795413040532220399.5')).to.include(read);
    expect(parseAckSubject(newer)).to.deep.equal({ ...read, replyTo: newer, subjectFront: '' });
  });

  it('has what a server of a cluster cut off the subject of the message behind it', () => {
    for (const replyTo of [plain, newer]) {
      expect(parseAckSubject(`${replyTo}@`)).to.deep.equal({ ...read, replyTo, subjectFront: '@' });
      expect(parseAckSubject(`${replyTo}@user.a@b`)).to.deep.equal({ ...read, replyTo, subjectFront: 'user.a@b@' });
    }
  });

  it('is no other one, where whoever sent it would have something published', () => {
    for (const subject of [
      undefined,
      '',
      '_INBOX.a',
      '$JS.ACK.S.C.3.17.9.1795413040532220399',
      '$JS.ACK.S.C.3.17.9.1795413040532220399.x',
      '$JS.API.STREAM.DELETE.S',
      'a.$JS.ACK.S.C.3.17.9.1795413040532220399.5',
      '$JS.ACK.S.C.3.17.9.1795413040532220399.5 9\r\nPUB a',
    ]) {
      expect(parseAckSubject(subject), subject).to.equal(undefined);
    }
  });

  it('is read in the same way by whoever knows the consumer, however it is written', () => {
    const reader = new AckReader('S', 'C');
    const odd = [
      '$JS.ACK.S.C.3.17.9.17954130405322203.5',
      '$JS.ACK.S.C.3.17.9.17954130405322203991.5',
      '$JS.ACK.S.C.3.17.9.1795413040532220399.',
      '$JS.ACK.S.C.3..9.1795413040532220399.5',
      '$JS.ACK.S.C.3.17.9.1795413040532220399.5.6',
      '$JS.ACK.S.C.3.17.9.1795413040532220399.5 9',
      '$JS.ACK.S.C.3.x.9.1795413040532220399.5',
      '$JS.ACK.S.C.3',
    ];
    for (const subject of [plain, newer, `${plain}@`, ackProbe('S', 'C'), 'a', '', ...odd]) {
      expect(reader.read(subject), subject).to.deep.equal(parseAckSubject(subject));
    }
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
        fc.bigInt(10n ** 18n, 10n ** 19n - 1n),
        (n, at) => {
          const subject = `$JS.ACK.S.C.${n[0]}.${n[1]}.7.${at}.${n[2]}`;
          expect(reader.read(subject)).to.deep.equal(parseAckSubject(subject));
        },
      ),
    );
  });

  it('is that of another consumer to whoever knows this one', () => {
    expect(new AckReader('S', 'D').read(plain)).to.equal(undefined);
    expect(new AckReader('S', 'D').read(newer)).to.equal(undefined);
  });

  it('can be one of no message, to see whether it may be published to', () => {
    expect(parseAckSubject(ackProbe('S', 'C'))).to.include({ stream: 'S', consumer: 'C', sequence: 0 });
  });
});
