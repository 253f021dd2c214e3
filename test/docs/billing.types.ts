// The chapter of README.md about durable topics: compiled here, and compared by readme.spec.ts.
import type { DurableContext, Host } from '@terabus/core';
import { defineModule, defineService, from, OnEvent, planStreams, Service, TeraService } from '@terabus/core';
import { ParticipantEvent } from '@terabus/messages';
import { provision } from '@terabus/nats';

export const booked: string[] = [];
export const books = {
  open: true,
  async enter(who: string, attempt: number) {
    if (!books.open) throw new Error('the books are closed');
    booked.push(`${who} ${attempt}`);
  },
};

// #region service
export const Stays = defineModule('Clinic.StaysModule', {
  events: { types: [ParticipantEvent], durable: { tries: 8, retryAfterMs: 2_000 } },
});
const Billing = defineService('Billing', { instances: 'one' });

const stays = from(Stays.events, {
  order: 'per-key', // a stay that can't be booked holds back those of its participant, and no others
  key: ({ participantUuid }) => participantUuid,
  deduplicate: true,
});

@Service(Billing, { uses: [Stays] })
export class BillingService extends TeraService {
  @OnEvent(stays, ParticipantEvent)
  async onStay({ participantUuid }: ParticipantEvent, { durable }: DurableContext) {
    await books.enter(participantUuid, durable.attempt);
  }
}
// #endregion

@Service(Stays)
class StaysService extends TeraService {}

export async function deploy(server: string) {
  // #region provision
  const plan = planStreams([StaysService, BillingService]); // of all services: those that own topics, and those that read them
  await provision(plan, { servers: server, credsFile: '/run/secrets/admin.creds' });
  // #endregion
}

export async function mend(host: Host) {
  // #region letters
  const letters = host.deadLetters(BillingService);
  for (const { id, text, tries } of (await letters.list({ handler: 'BillingService.onStay' })).letters) {
    console.log(`${id} after ${tries} tries: ${text}`);
  }
  await letters.replayAll({ reason: 'TERABUS_HANDLER_FAILED' }); // to the service that failed, with all its tries
  // #endregion
}
