import type { Kind, Member } from '../contracts/kinds.js';
import { kinds } from '../contracts/kinds.js';
import type { DeviceStatus } from '../contracts/user-manager.contract.js';

/** Whether somebody is online, and in a session or invited to one. The two are independent (rule UM-8). */
export interface Status {
  readonly online: boolean;
  readonly busy: boolean;
}

const perKind = <T>(make: () => T): Record<Kind, T> => ({ user: make(), participant: make(), device: make() });

/** Who is online, who is in which session, what devices said last: plain state, without a bus or a clock. */
export class Presence {
  readonly #online = perKind(() => new Set<string>());
  readonly #busy = perKind(() => new Map<string, string>());
  readonly #deviceStatus = new Map<string, DeviceStatus>();

  connect({ kind, uuid }: Member): void {
    this.#online[kind].add(uuid);
  }

  /** The session goes on without: whoever comes back is still in it. */
  disconnect({ kind, uuid }: Member): void {
    this.#online[kind].delete(uuid);
    if (kind === 'device') this.#deviceStatus.delete(uuid);
  }

  /** The first session wins. */
  join({ kind, uuid }: Member, session: string): void {
    if (!this.#busy[kind].has(uuid)) this.#busy[kind].set(uuid, session);
  }

  /** Only from the session that one is in. */
  leave({ kind, uuid }: Member, session: string): void {
    if (this.#busy[kind].get(uuid) === session) this.#busy[kind].delete(uuid);
  }

  /** All who are in a session. */
  membersOf(session: string): Member[] {
    return kinds.flatMap((kind) =>
      [...this.#busy[kind]].filter(([, its]) => its === session).map(([uuid]) => ({ kind, uuid })),
    );
  }

  /** What a device says of itself. Of one that is offline it is not kept, and the answer is false. */
  report(device: string, status: DeviceStatus): boolean {
    const isOnline = this.#online.device.has(device);
    if (isOnline) this.#deviceStatus.set(device, status);
    return isOnline;
  }

  isOnline({ kind, uuid }: Member): boolean {
    return this.#online[kind].has(uuid);
  }

  /** In the order in which they connected. */
  online(kind: Kind): string[] {
    return [...this.#online[kind]];
  }

  /** The session of each who is in one. */
  busy(kind: Kind): Record<string, string> {
    return Object.fromEntries(this.#busy[kind]);
  }

  /** Of all who are online or busy. */
  status(kind: Kind): Record<string, Status> {
    const uuids = new Set([...this.#online[kind], ...this.#busy[kind].keys()]);
    return Object.fromEntries(
      [...uuids].map((uuid) => [uuid, { online: this.#online[kind].has(uuid), busy: this.#busy[kind].has(uuid) }]),
    );
  }

  /** {@link Presence.status} of devices, with what each said last. */
  deviceStatus(): Record<string, Status & { readonly status: DeviceStatus | null }> {
    return Object.fromEntries(
      Object.entries(this.status('device')).map(([uuid, status]) => [
        uuid,
        { ...status, status: this.#deviceStatus.get(uuid) ?? null },
      ]),
    );
  }
}
