/** What one instance of a service tells another. */
export interface Note {
  /** Of the instance that says it: a ULID made at its start. */
  readonly id: string;
  /**
   * As news:
   * - `candidate`: nobody answered, so it is about to be active; `withdrawn`: it isn't, after all.
   * - `active`: at once, then as a beacon. `handing-over`: as a beacon, while it finishes what it has.
   * - `holding`: to the instance `to`: it holds what comes, so that `to` can end its intake.
   * - `intake-ended`: all that comes from now on goes to others. `released`: nothing runs any more.
   *
   * As a request: `claim`; `offer`, of an active one that ends.
   *
   * As an answer: `yields`, `refuses` (it is newer), `busy` (it hands over already, or is not active yet), `coming`.
   */
  readonly is: (typeof KINDS)[number];
  readonly to?: string | undefined;
}

const KINDS = [
  'candidate',
  'withdrawn',
  'active',
  'handing-over',
  'holding',
  'intake-ended',
  'released',
  'claim',
  'offer',
  'yields',
  'refuses',
  'busy',
  'coming',
] as const;

/** Far more than a note needs. */
const MOST_BYTES = 512;

const utf8 = new TextEncoder();

export const writeNote = (note: Note): Uint8Array => utf8.encode(JSON.stringify(note));

/** Undefined for what is no note: whoever may publish here can publish anything. */
export function readNote(bytes: Uint8Array): Note | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    const note = JSON.parse(new TextDecoder().decode(bytes)) as Note;
    return typeof note?.id === 'string' && KINDS.includes(note.is) ? note : undefined;
  } catch {
    return undefined;
  }
}
