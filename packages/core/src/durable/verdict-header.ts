import { DUPLICATE, FIRST, gap, IN_ORDER, LATE, RESTART, UNTRACKED, type Verdict } from '../sequencing/verdict.js';

const KNOWN = new Map([FIRST, IN_ORDER, LATE, DUPLICATE, RESTART, UNTRACKED].map((each) => [each.kind, each]));

/** What a sequence number said when its message came first, as the header carries it: `in-order 0`, `gap 3`. */
export function parseVerdict(text: string | undefined): Verdict | undefined {
  const [, kind = '', missing] = /^([a-z-]{1,20}) (\d{1,10})$/.exec(text ?? '') ?? [];
  return kind === 'gap' ? gap(Number(missing)) : KNOWN.get(kind as Verdict['kind']);
}
