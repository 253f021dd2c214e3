import type { Role } from './cast.js';
import type { Patience } from './patience.js';
import type { Person } from './person.js';
import type { Stage } from './stage.js';

/** What a scenario is played with. */
export interface Scene {
  readonly stage: Stage;
  readonly people: Readonly<Record<Role, Person>>;
  readonly patience: Patience;
  /** Between two acts, for those who watch. */
  readonly pauseMs: number;
}

/** What the log says of a scenario. */
export const SCENARIO = { isOver: 'the scenario is over', brokeOff: 'the scenario broke off' } as const;

/** One session, from logging in to logging out, with what can happen in between. */
export async function playScenario({ stage, people, patience, pauseMs }: Scene): Promise<void> {
  const { ana, ben, tablet, bike } = people;
  const all = [ana, ben, tablet, bike];
  const nextAct = () => patience.pause(pauseMs);
  for (const person of all) person.reset();
  bike.busyElsewhere = true;

  await stage.login(ana, false);
  await stage.login(ana, true);
  for (const person of all) await stage.say(person, 'connected');
  await patience.until('all are online', () => all.every(({ online }) => online));

  await nextAct();
  await stage.reportBattery(tablet, 80);
  await stage.reportBattery(tablet, 79);

  await nextAct();
  const { id_session, session_key } = await stage.manage({
    action: 'start',
    id_session: 0,
    id_service: 1,
    id_session_type: 1,
    id_creator_user: 1,
    parameters: { exercise: 'balance' },
    session_users: [ana.uuid],
    session_participants: [ben.uuid],
    session_devices: [tablet.uuid],
  });
  await stage.ready(session_key);
  // Each who accepts hears of all who accept.
  const accepted = [ana, ben, tablet];
  await patience.until('all invited have accepted', () => accepted.every((person) => hears(person, 'Reply', 3)));

  await nextAct();
  await stage.manage({ action: 'invite', id_session, session_devices: [bike.uuid] });
  await patience.until('the bike has refused', () => accepted.every((person) => hears(person, 'Reply', 4)));

  await nextAct();
  await stage.manage({ action: 'remove', id_session, session_devices: [tablet.uuid] });
  await patience.until('the tablet has left', () => accepted.every((person) => hears(person, 'Leave', 1)));

  await nextAct();
  await stage.manage({ action: 'stop', id_session });
  await patience.until('the session is over', () => hears(ana, 'Stop', 1) && hears(ben, 'Stop', 1));

  await nextAct();
  await stage.disable(ben);
  await patience.until('the disabled account is offline', () => !ben.online);

  await nextAct();
  for (const person of [ana, tablet, bike]) await stage.say(person, 'disconnected');
  await patience.until('all are offline', () => all.every(({ online }) => !online));
}

const typeOf = {
  Reply: 'opentera.protobuf.JoinSessionReplyEvent',
  Leave: 'opentera.protobuf.LeaveSessionEvent',
  Stop: 'opentera.protobuf.StopSessionEvent',
} as const;

const hears = (person: Person, what: keyof typeof typeOf, times: number): boolean =>
  person.count(typeOf[what]) >= times;
