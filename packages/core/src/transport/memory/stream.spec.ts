import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MemoryStream, type Row } from './stream.js';
import { VirtualClock } from './virtual-clock.js';

const SUBJECTS = ['a', 'b', 'c'];

function aStream(maxMessagesPerSubject: number, maxBytes = -1, discard: 'new' | 'old' = 'new') {
  const republished: (readonly [number, number])[] = [];
  const stream = new MemoryStream(
    {
      name: 's',
      subjects: SUBJECTS,
      retention: 'limits',
      maxAgeMs: 0,
      maxMessages: -1,
      maxBytes,
      maxMessagesPerSubject,
      discard,
      duplicateWindowMs: 1_000,
      replicas: 1,
      republishTo: undefined,
      owned: true,
      consumers: SUBJECTS.map((filter) => ({
        name: filter,
        filter,
        ackWaitMs: 1_000,
        maxAckPending: 1_000,
        start: 'all',
      })),
    },
    new VirtualClock(),
    ({ sequence }: Row, previous) => republished.push([sequence, previous]),
  );
  return { stream, republished };
}

/** A store of a subject's message, or the removal of a number. */
const steps = fc.array(fc.oneof(fc.constantFrom(...SUBJECTS), fc.nat(30)), { maxLength: 40 });

describe('a stream in memory', () => {
  it('knows of each subject its first and last message, and of each consumer how much it has, whatever was removed', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(-1, 1, 2), (all, perSubject) => {
        const { stream, republished } = aStream(perSubject);
        // The same in the simplest way: a list of what lies there.
        let lying: { sequence: number; subject: string }[] = [];
        const expected: (readonly [number, number])[] = [];
        let sequence = 0;
        for (const step of all) {
          if (typeof step === 'number') {
            stream.purge({ sequence: step });
            lying = lying.filter((each) => each.sequence !== step);
            continue;
          }
          sequence += 1;
          stream.store({ subject: step, bytes: new Uint8Array(1), headers: new Map() });
          const ofSubject = lying.filter(({ subject }) => subject === step);
          expected.push([sequence, ofSubject.at(-1)?.sequence ?? 0]);
          if (ofSubject.length === perSubject) lying = lying.filter((each) => each !== ofSubject[0]);
          lying.push({ sequence, subject: step });
        }
        expect(republished).to.deep.equal(expected);
        expect(stream.state).to.deep.equal({
          messages: lying.length,
          // 30 around it, its subject, its byte.
          bytes: lying.length * 32,
          firstSequence: sequence === 0 ? 0 : (lying[0]?.sequence ?? sequence + 1),
          lastSequence: sequence,
        });
        for (const subject of SUBJECTS) {
          const of = lying.filter((each) => each.subject === subject).map((each) => each.sequence);
          expect(stream.find({ lastOf: subject })?.sequence).to.equal(of.at(-1));
          expect(stream.find({ fromSequence: 1, filter: subject })?.sequence).to.equal(of[0]);
          expect(stream.consumers.get(subject)?.state).to.include({ pending: of.length, unsettled: 0 });
        }
        expect(stream.subjects('*').sort()).to.deep.equal([...new Set(lying.map(({ subject }) => subject))].sort());
      }),
    );
  });

  // As nats-server 2.9.10 was seen to do it.
  describe('counts bytes as files do', () => {
    const bytesAfter = (stream: MemoryStream, bytes: number, headers: Record<string, string> = {}) => {
      try {
        const arrival = { subject: 'a', bytes: new Uint8Array(bytes), headers: new Map(Object.entries(headers)) };
        stream.store(arrival);
        return stream.state.bytes;
      } catch {
        return 'full';
      }
    };

    it('with subject, headers and a frame', () => {
      const { stream } = aStream(-1);
      expect(bytesAfter(stream, 10)).to.equal(41);
      expect(bytesAfter(stream, 10, { 'Nats-Msg-Id': 'abc' })).to.equal(41 + 75);
    });

    it('and is full when the message without them has no room', () => {
      const { stream } = aStream(-1, 200);
      expect([300, 199, 168, 32, 31].map((bytes) => bytesAfter(stream, bytes))).to.deep.equal([
        'full',
        // Taken, and let go at once, since with its frame it is too large.
        0,
        199,
        'full',
        'full',
      ]);
    });

    it('and takes in the place of another what is not larger than that with its frame', () => {
      const { stream } = aStream(1, 200);
      expect([100, 131, 130].map((bytes) => bytesAfter(stream, bytes))).to.deep.equal([131, 'full', 161]);
    });

    it('and lets go all that it has, if it must', () => {
      const { stream } = aStream(-1, 200, 'old');
      expect([100, 300].map((bytes) => bytesAfter(stream, bytes))).to.deep.equal([131, 0]);
      expect(stream.state).to.deep.include({ firstSequence: 3, lastSequence: 2 });
    });
  });
});
