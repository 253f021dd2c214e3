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
});
