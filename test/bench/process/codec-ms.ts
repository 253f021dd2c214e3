import type { Setting } from '../cases/case.js';
import type { Contender } from './contender.js';

/** So many envelopes are decoded, again and again. */
const ENVELOPES = 64;

/** Encodes or decodes so many times, and tells how many milliseconds that took. Throws where what comes out is not what went in. */
export function codecMs(contender: Contender, setting: Setting, count: number): number {
  if (contender.codec === undefined) throw new Error('this contender has no codec');
  const { encode, decode } = contender.codec(setting);
  if (setting.workload === 'encode') {
    const begin = performance.now();
    let last: Uint8Array = new Uint8Array();
    for (let n = 0; n < count; n++) last = encode(n);
    const ms = performance.now() - begin;
    if (decode(last) !== count - 1) throw new Error(`event ${count - 1} was encoded as something else`);
    return ms;
  }
  const envelopes = Array.from({ length: ENVELOPES }, (_, n) => encode(n));
  const begin = performance.now();
  let sum = 0;
  for (let n = 0; n < count; n++) sum += decode(envelopes[n % ENVELOPES] as Uint8Array);
  const ms = performance.now() - begin;
  const rest = count % ENVELOPES;
  const expected = ((count - rest) / ENVELOPES) * sumTo(ENVELOPES) + sumTo(rest);
  if (sum !== expected) throw new Error('what was decoded is not what was encoded');
  return ms;
}

/** 0 + 1 + … + (end - 1) */
const sumTo = (end: number) => (end * (end - 1)) / 2;
