import type { Kind } from '../contracts/kinds.js';

/** What is known of somebody by name. Project and site are a participant's. */
export interface Entry {
  readonly kind: Kind;
  readonly uuid: string;
  readonly name: string;
  readonly project?: string;
  readonly site?: string;
}

/** Finds names. OpenTera asks its database or its REST interface; bind what yours asks. */
export abstract class Directory {
  /** Undefined for somebody unknown. */
  abstract find(kind: Kind, uuid: string): Promise<Entry | undefined>;
}

/** Knows those whom it was given. */
export class InMemoryDirectory extends Directory {
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(entries: readonly Entry[]) {
    super();
    this.#entries = new Map(entries.map((entry) => [`${entry.kind} ${entry.uuid}`, entry]));
  }

  override async find(kind: Kind, uuid: string): Promise<Entry | undefined> {
    return this.#entries.get(`${kind} ${uuid}`);
  }
}
