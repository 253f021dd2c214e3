/**
 * What the arrival of a number says.
 *
 * - `first`: nothing is known of this counter. Whatever its number: a receiver that came late has missed nothing.
 * - `in-order`: all numbers since the last are here, or abandoned by their sender.
 * - `gap`: numbers before it are missing; they may come yet.
 * - `late`: behind others, and not known to have come before.
 * - `duplicate`: it has come before.
 * - `restart`: the first of a newer epoch of a sender that is known here. Once per epoch.
 * - `untracked`: it has no number.
 */
export interface Verdict {
  readonly kind: 'first' | 'in-order' | 'gap' | 'late' | 'duplicate' | 'restart' | 'untracked';
  /** How many numbers turned out to be missing with this arrival: 0 but for a `gap`. */
  readonly missing: number;
}

// Nearly every arrival gets one of these, so that no verdict but a gap allocates.
export const FIRST = verdict('first');
export const IN_ORDER = verdict('in-order');
export const LATE = verdict('late');
export const DUPLICATE = verdict('duplicate');
export const RESTART = verdict('restart');
export const UNTRACKED = verdict('untracked');

export function gap(missing: number): Verdict {
  return { kind: 'gap', missing };
}

function verdict(kind: Verdict['kind']): Verdict {
  return Object.freeze({ kind, missing: 0 });
}
