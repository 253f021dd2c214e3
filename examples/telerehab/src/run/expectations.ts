import type { JsonObject } from '@terabus/messages';
import { UserManager } from '../contracts/user-manager.contract.js';
import { SCENARIO } from '../device-simulator/scenario.js';
import type { Crossing, Sighting } from './sighting.js';

/** Something that is to be seen so many times while the scenario is played once. */
export interface Expectation {
  readonly says: string;
  readonly times: number;
  matches(seen: Sighting): boolean;
}

type Wanted = Partial<Pick<Crossing, 'how' | 'type' | 'topic'>> & {
  /** Stands in the JSON of the message, the arguments or the result. */
  readonly holding?: string;
};

const crossing =
  ({ how, type, topic, holding = '' }: Wanted) =>
  (seen: Sighting): boolean =>
    seen.kind === 'crossing' &&
    seen.error === undefined &&
    (how === undefined || seen.how === how) &&
    (type === undefined || seen.type === type) &&
    (topic === undefined || seen.topic === topic) &&
    JSON.stringify([seen.content, seen.result]).includes(holding);

/** An event of the user manager about anybody, of one of OpenTera's three types. */
const announced = (what: string) => (seen: Sighting) =>
  seen.kind === 'crossing' &&
  seen.topic === UserManager.events.name &&
  `${(seen.content as JsonObject)['type']}`.endsWith(`_${what}`);

const onSockets = (type: string, holding?: string) =>
  crossing({ how: 'event', type, ...(holding === undefined ? {} : { holding }) });
const asked = (action: string, status: string) => (seen: Sighting) =>
  crossing({ how: 'call', type: 'session_manage', holding: `"action":"${action}"` })(seen) &&
  crossing({ holding: `"status":"${status}"` })(seen);
/** Waiting for more makes no sense after this. */
export const saysThatAllIsLost = (seen: Sighting): boolean => logged(SCENARIO.brokeOff)(seen);

const logged = (text: string) => (seen: Sighting) => seen.kind === 'log-line' && seen.text.includes(text);
const failed = (seen: Sighting) => seen.kind !== 'log-line' && seen.error !== undefined;

/** What one scenario brings about: the numbers follow from who is in the session at each moment. */
export const expectations: readonly Expectation[] = [
  { says: 'a wrong password is in the log', times: 1, matches: logged('login FAILED_WITH_WRONG_PASSWORD') },
  { says: 'a login is in the log', times: 1, matches: logged('login SUCCESS') },
  { says: 'everybody is announced as online', times: 4, matches: announced('CONNECTED') },
  { says: 'the battery is reported by calls', times: 2, matches: crossing({ how: 'call', holding: 'battery' }) },
  { says: 'the battery is announced', times: 2, matches: announced('STATUS_CHANGED') },
  { says: 'a session is started', times: 1, matches: asked('start', 'started') },
  { says: 'its room is ready', times: 1, matches: crossing({ type: 'text', holding: 'Ready!' }) },
  { says: 'three are invited, then four', times: 7, matches: onSockets('JoinSessionEvent') },
  { says: 'all who are invited are announced', times: 7, matches: announced('JOINED_SESSION') },
  { says: 'each answers once', times: 4, matches: asked('invite_reply', 'OK') },
  { says: 'three hear of three who accept', times: 9, matches: onSockets('JoinSessionReplyEvent', 'ACCEPTED') },
  { says: 'three hear that the bike is busy', times: 3, matches: onSockets('JoinSessionReplyEvent', 'BUSY') },
  { says: 'the bike is invited by the session', times: 1, matches: asked('invite', 'invited') },
  { says: 'the tablet is removed', times: 1, matches: asked('remove', 'removed') },
  { says: 'three hear that it leaves', times: 3, matches: onSockets('LeaveSessionEvent') },
  { says: 'the session is stopped', times: 1, matches: asked('stop', 'stopped') },
  { says: 'two hear of the end', times: 2, matches: onSockets('StopSessionEvent') },
  { says: 'everybody is announced as having left', times: 4, matches: announced('LEFT_SESSION') },
  { says: 'a disabled account is told to go', times: 1, matches: crossing({ type: 'ServerCommand' }) },
  { says: 'everybody is announced as offline', times: 4, matches: announced('DISCONNECTED') },
  { says: 'who comes is in the log', times: 4, matches: logged(' online ') },
  { says: 'who goes is in the log', times: 4, matches: logged(' offline ') },
  { says: 'the scenario is played to its end', times: 1, matches: logged(SCENARIO.isOver) },
  { says: 'nothing fails', times: 0, matches: failed },
];
