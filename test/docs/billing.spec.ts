import { ParticipantEvent } from '@terabus/messages';
import { startHarness } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BillingService, booked, books, Stays } from './billing.types.js';

describe('the service of the chapter about durable topics', () => {
  it('books each stay once, in the order of its participant, when the books are open again', async () => {
    await using harness = await startHarness({ services: [BillingService] });
    const stay = (participantUuid: string) => ParticipantEvent.create({ participantUuid });
    books.open = false;
    const options = { messageId: 'the first' };
    await harness.publish(Stays.events, stay('ana'), options);
    await harness.publish(Stays.events, stay('ana'), options);
    await harness.publish(Stays.events, stay('ana'));
    await harness.idle();
    expect(booked).to.deep.equal([]);
    books.open = true;
    await harness.clock.advance(2_000);
    await harness.idle();
    expect(booked).to.deep.equal(['ana 2', 'ana 1']);
  });

  it('gives a stay up after all its tries, and has it replayed', async () => {
    await using harness = await startHarness({ services: [BillingService] });
    booked.length = 0;
    books.open = false;
    const place = await harness.publish(Stays.events, ParticipantEvent.create({ participantUuid: 'ben' }));
    await harness.idle();
    for (let tries = 1; tries < 8; tries++) {
      await harness.clock.advance(300_000);
      await harness.idle();
    }
    const letters = harness.deadLetters(BillingService);
    const [letter] = (await letters.list()).letters;
    const { stream, sequence } = place;
    expect(letter).to.deep.include({ stream, sequence, tries: 8, handler: 'BillingService.onStay' });
    expect(harness.logs.filter(({ msg }) => msg.includes(`gave up message ${sequence} of '${stream}'`))).to.have.length(
      1,
    );
    books.open = true;
    await letters.replayAll();
    await harness.idle();
    expect(booked).to.deep.equal(['ben 1']);
  });
});
