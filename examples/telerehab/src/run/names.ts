import { Database } from '../contracts/database.contract.js';
import { Logging } from '../contracts/logging.contract.js';
import { VideoRehab } from '../contracts/session-manager.contract.js';
import { Simulator } from '../contracts/simulator.contract.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { entries } from '../device-simulator/cast.js';

const services = new Map<string, string>([
  [UserManager.address, 'user-manager'],
  [VideoRehab.address, 'session-manager'],
  [Logging.address, 'logger'],
  [Simulator.address, 'simulator'],
  [`module.${Database.name}`, 'database'],
]);
const people = new Map<string, string>(entries.map(({ uuid, name }) => [uuid, name]));

/** A service's name for people who watch. */
export const shortName = (address: string): string => services.get(address) ?? address;

/** Who is at the other end of a topic. */
export function readersOf(topic: string): string {
  for (const [address, name] of services) {
    if (topic === `${address}.messages` || topic === `${address}.rpc`) return name;
    if (topic === `${address}.events` || topic.startsWith(`${address}.events.`)) return 'everybody';
  }
  if (topic.startsWith('log.')) return 'logger';
  const who = topic.split('.').find((token) => people.has(token));
  return people.get(who ?? '') ?? topic.replace(/[0-9a-f]{4}-[0-9a-f-]{9,}$/, '…');
}

/** The text with names in place of UUIDs that have one, and the rest of UUIDs shortened. */
export function withNames(text: string): string {
  return text.replaceAll(
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
    (uuid) => people.get(uuid) ?? `${uuid.slice(0, 8)}…`,
  );
}
