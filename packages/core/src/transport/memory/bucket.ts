import { BusError } from '@terabus/messages';
import { printable } from '../../topics/printable.js';
import type { Clock } from '../clock.js';
import type { KeyValueEntry } from '../key-value.js';
import type { BucketPlan } from '../store-plan.js';

interface Cell {
  /** Undefined where it was deleted. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
  readonly elapsedMs: number;
}

/** A bucket of a {@link MemoryBroker}. Whether a value is too old is looked at when somebody asks. */
export class MemoryBucket {
  readonly #clock: Clock;
  readonly #cells = new Map<string, Cell>();
  readonly #plan: BucketPlan;
  #revision = 0;

  constructor(plan: BucketPlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  get plan(): BucketPlan {
    return this.#plan;
  }

  get(key: string): KeyValueEntry | undefined {
    const cell = this.#cell(key);
    if (cell?.value === undefined) return undefined;
    return { key, value: new Uint8Array(cell.value), revision: cell.revision };
  }

  keys(): string[] {
    return [...this.#cells.keys()].filter((key) => this.#cell(key)?.value !== undefined);
  }

  create(key: string, value: Uint8Array): number {
    const cell = this.#cell(key);
    if (cell?.value !== undefined) throw this.#conflict(key, `has a value, of revision ${cell.revision}`);
    return this.put(key, value);
  }

  update(key: string, value: Uint8Array, revision: number): number {
    this.#check(key, revision);
    return this.put(key, value);
  }

  /** Takes the bytes for its own. */
  put(key: string, value: Uint8Array): number {
    this.#refuseWhenFull(key, value);
    return this.#set(key, value);
  }

  delete(key: string, revision: number | undefined): void {
    if (revision !== undefined) this.#check(key, revision);
    this.#set(key, undefined);
  }

  #set(key: string, value: Uint8Array | undefined): number {
    this.#revision += 1;
    this.#cells.set(key, { value, revision: this.#revision, elapsedMs: this.#clock.elapsed() });
    return this.#revision;
  }

  #check(key: string, revision: number): void {
    const found = this.#cell(key)?.revision ?? 0;
    if (found !== revision) throw this.#conflict(key, `has revision ${found}, not ${revision}`);
  }

  #conflict(key: string, how: string): BusError {
    return new BusError(`the key ${printable(key)} of the bucket '${this.#plan.name}' ${how}`, {
      reason: 'TERABUS_KEY_CONFLICT',
      details: { bucket: this.#plan.name, key },
    });
  }

  #cell(key: string): Cell | undefined {
    const cell = this.#cells.get(key);
    const { ttlMs } = this.#plan;
    if (cell === undefined || ttlMs === 0 || this.#clock.elapsed() - cell.elapsedMs < ttlMs) return cell;
    this.#cells.delete(key);
    return undefined;
  }

  #refuseWhenFull(key: string, value: Uint8Array): void {
    const { name, maxBytes } = this.#plan;
    if (maxBytes < 0) return;
    let bytes = 0;
    for (const other of [...this.#cells.keys()]) {
      const cell = other === key ? undefined : this.#cell(other);
      if (cell !== undefined) bytes += other.length + (cell.value?.length ?? 0);
    }
    if (bytes + key.length + value.length <= maxBytes) return;
    throw new BusError(`the bucket '${name}' is full: it holds ${bytes} bytes, of at most ${maxBytes}`, {
      reason: 'TERABUS_STREAM_FULL',
      details: { bucket: name },
    });
  }
}
