import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Room } from './room.js';

const SMALL = 100;

/** One that knows how large messages are. */
function room(maxUnsettled = 100, maxUnsettledBytes = 1_000_000): Room {
  const made = new Room({ maxUnsettled, maxUnsettledBytes });
  made.taken(SMALL);
  made.settled(SMALL);
  return made;
}

describe('the room for what a consumer hands out', () => {
  it('is asked for carefully before anybody knows how large messages are, and by one request', () => {
    const unknown = new Room({ maxUnsettled: 100, maxUnsettledBytes: 10_000 });
    const first = unknown.share(undefined);
    expect(first).to.deep.equal({ messages: 8, bytes: 10_000 });
    expect(unknown.share(first)).to.equal(undefined);
  });

  it('is asked for as a whole, where all is free', () => {
    const all = room();
    const first = all.share(undefined);
    expect(first).to.deep.equal({ messages: 100, bytes: 500_000 });
    expect(all.share(first)).to.equal(undefined);
  });

  it('is asked for by a second request as soon as a quarter of it is free, and no sooner', () => {
    const some = room();
    for (let taken = 0; taken < 10; taken++) some.taken(SMALL);
    expect(some.share({ messages: 66, bytes: 400_000 })).to.equal(undefined);
    expect(some.share({ messages: 65, bytes: 400_000 })).to.deep.equal({ messages: 25, bytes: 500_000 });
  });

  it('is asked for by whoever is the only one, however little it is', () => {
    const little = room();
    for (let taken = 0; taken < 99; taken++) little.taken(SMALL);
    expect(little.share(undefined)).to.deep.equal({ messages: 1, bytes: undefined });
    little.taken(SMALL);
    expect(little.share(undefined)).to.equal(undefined);
  });

  it('is never promised twice, neither its messages nor its bytes', () => {
    const tight = room(100, 10_000);
    const first = tight.share(undefined);
    expect(first).to.deep.equal({ messages: 25, bytes: 10_000 });
    expect(tight.share(first)).to.equal(undefined);
    for (let taken = 0; taken < 15; taken++) tight.taken(SMALL);
    for (let settled = 0; settled < 15; settled++) tight.settled(SMALL);
    expect(tight.share({ messages: 10, bytes: 8_500 })).to.deep.equal({ messages: 3, bytes: 1_500 });
    expect(tight.share({ messages: 10, bytes: undefined }), 'one without a limit').to.equal(undefined);
  });

  it('is for one message alone where the next one did not fit, when nothing else is asked for', () => {
    const large = room();
    large.tooSmall();
    expect(large.share({ messages: 10, bytes: 1_000 })).to.equal(undefined);
    expect(large.share(undefined)).to.deep.equal({ messages: 1, bytes: undefined });
    expect(large.share(undefined), 'and then as before').to.deep.equal({ messages: 100, bytes: 500_000 });
  });

  it('is asked for with the largest of the last messages in mind', () => {
    const mixed = room(1_000, 100_000);
    mixed.taken(9_700);
    mixed.settled(9_700);
    expect(mixed.share(undefined)?.messages).to.equal(10);
    for (let small = 0; small < 100; small++) {
      mixed.taken(SMALL);
      mixed.settled(SMALL);
    }
    expect(mixed.share(undefined)?.messages).to.be.greaterThan(20);
  });
});
