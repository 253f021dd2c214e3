import { DeviceEvent, encodeTeraEvent, packAny } from '@terabus/messages';
import type { Random } from '../run/random.js';
import { jobs, type Poison } from './service.js';

/** A message as it is published. */
export interface Job {
  /** `good-7`, `throwing-3`. */
  readonly name: string;
  readonly poison: Poison | undefined;
  readonly bytes: Uint8Array;
  readonly headers: ReadonlyMap<string, string>;
}

/** A job with its name in a header too, where no poison can touch it. */
export function newJob(name: string, poison: Poison | undefined, random: Random): Job {
  const headers = new Map([
    ['Terabus-Message-Id', `id-of-${name}`],
    ['Job', name],
    ['Umlaut', `ä ${random.below(1e6)}`],
  ]);
  return { name, poison, bytes: bytesOf(name, poison, random), headers };
}

function bytesOf(name: string, poison: Poison | undefined, random: Random): Uint8Array {
  // A group that is never closed, and then anything.
  if (poison === 'undecodable') return Uint8Array.of(0x0b, ...random.bytes(random.below(200)));
  return encodeTeraEvent({
    topic: poison === 'misplaced' ? 'soak.poison.others' : jobs.name,
    time: 1,
    events: [packAny(DeviceEvent, DeviceEvent.create({ deviceName: name }))],
  });
}

/** Whether a message still is what was published. */
export const isSame = (job: Job, bytes: Uint8Array, headers: ReadonlyMap<string, string>): boolean =>
  Buffer.from(job.bytes).equals(bytes) &&
  headers.size === job.headers.size &&
  [...job.headers].every(([name, value]) => headers.get(name) === value);
