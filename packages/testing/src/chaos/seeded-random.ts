import { randomInt } from 'node:crypto';

/** What starts a {@link SeededRandom}: a number or a text. `5` and `'5'` are the same seed. */
export type Seed = number | string;

/**
 * Numbers that look random and are the same for the same seed, on every machine. For tests, not for secrets.
 * One source has one order: give each part of a test its own with {@link SeededRandom.fork}.
 */
export interface SeededRandom {
  readonly seed: string;
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of the items, of which there must be one. */
  pick<T>(items: readonly T[]): T;
  /** Another source, which depends on this one's seed and on the name, and on nothing that was drawn. */
  fork(name: Seed): SeededRandom;
}

/** A {@link SeededRandom}; without a seed, from {@link chooseSeed}. */
export function seededRandom(seed: Seed = chooseSeed()): SeededRandom {
  const text = checkedSeed(seed);
  const next = generator(text);
  const integer = (least: number, most: number) => {
    if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || most < least) {
      throw new RangeError(`integer(${least}, ${most}): two whole numbers are needed, the smaller one first.`);
    }
    return least + Math.floor(next() * (most - least + 1));
  };
  return {
    seed: text,
    next,
    integer,
    chance: (probability) => next() < checkedProbability(probability, 'chance'),
    pick: (items) => {
      if (items.length === 0) throw new RangeError('pick: there is nothing to pick from.');
      return items[integer(0, items.length - 1)] as (typeof items)[number];
    },
    fork: (name) => seededRandom(`${text}/${checkedSeed(name)}`),
  };
}

/**
 * The seed of a run: the environment variable `TERABUS_SEED` if it is set, which replays a run without a change of the
 * test, else the given one, else a new one.
 */
export function chooseSeed(given?: Seed): string {
  const { TERABUS_SEED } = process.env;
  return checkedSeed(TERABUS_SEED || (given ?? randomInt(2 ** 32)));
}

/** @throws RangeError for anything but 0 to 1 */
export function checkedProbability(probability: number, name: string): number {
  if (probability >= 0 && probability <= 1) return probability;
  throw new RangeError(`${name} is ${probability}: a probability lies between 0 and 1.`);
}

function checkedSeed(seed: Seed): string {
  if (typeof seed === 'string' ? seed !== '' : Number.isFinite(seed)) return `${seed}`;
  throw new RangeError(`a seed is a finite number or a text, and not ${JSON.stringify(seed) ?? seed}.`);
}

/** sfc32, whose four words come from the text by FNV-1a. */
function generator(text: string): () => number {
  let [a = 0, b = 0, c = 0, counter = 0] = [1, 2, 3, 4].map((salt) => hash(`${salt}:${text}`));
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The words are alike for seeds that are alike; after some rounds the numbers are not.
  for (let i = 0; i < 15; i += 1) next();
  return next;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
