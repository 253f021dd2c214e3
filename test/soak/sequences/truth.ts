import type { Verdict } from '@terabus/core';

const KEPT_EPOCHS = 8;

/** A stamped message that arrives. */
export interface Stamped {
  readonly source: string;
  readonly epoch: string;
  readonly seq: number;
  /** The text of its header `Terabus-Abandoned`. */
  readonly abandoned: string | undefined;
}

/** What a receiver has to say of an arrival. */
export interface Judgement {
  readonly verdict: Verdict;
  /** How many numbers are missing no more: this one came late, or it named some that were given up. */
  readonly recovered: number;
}

interface Source {
  readonly epochs: Map<string, Count>;
  newestEpoch: string;
}

interface Count {
  readonly first: number;
  newest: number;
  /** What came, and what its sender is known to have given up. */
  readonly came: Set<number>;
  readonly excused: Set<number>;
}

/**
 * What a receiver has to say of each arrival, found out the simple way: with a set of all that came. It shares
 * nothing with the tracker that it is held against.
 */
export class Truth {
  #sources = new Map<string, Source>();
  /** What is lost of counts that are forgotten. */
  #lost = 0;

  /** The receiver starts anew and knows nothing. */
  restart(): void {
    this.#lost = this.lost;
    this.#sources = new Map();
  }

  /** How many numbers between the first and the newest of their count never came, and were not given up. */
  get lost(): number {
    let lost = this.#lost;
    for (const { epochs } of this.#sources.values()) for (const each of epochs.values()) lost += missing(each);
    return lost;
  }

  judge(stamped: Stamped): Judgement {
    const { source, epoch, seq, abandoned } = stamped;
    const count = this.#sources.get(source)?.epochs.get(epoch);
    if (count === undefined) return { verdict: this.#start(stamped), recovered: 0 };

    let recovered = 0;
    for (const number of numbers(abandoned)) {
      const wasMissing = isMissing(count, number);
      count.excused.add(number);
      recovered += Number(wasMissing);
    }
    if (count.came.has(seq)) return { verdict: { kind: 'duplicate', missing: 0 }, recovered };
    recovered += Number(isMissing(count, seq));
    count.came.add(seq);
    if (seq < count.newest) return { verdict: { kind: 'late', missing: 0 }, recovered };

    let gone = 0;
    for (let number = count.newest + 1; number < seq; number++) if (!count.excused.has(number)) gone += 1;
    count.newest = seq;
    return { verdict: gone === 0 ? { kind: 'in-order', missing: 0 } : { kind: 'gap', missing: gone }, recovered };
  }

  #start({ source, epoch, seq }: Stamped): Verdict {
    const known = this.#sources.get(source);
    const { epochs, newestEpoch } = known ?? { epochs: new Map<string, Count>(), newestEpoch: '' };
    const kind = known !== undefined && epoch > newestEpoch ? 'restart' : 'first';
    epochs.set(epoch, { first: seq, newest: seq, came: new Set([seq]), excused: new Set() });
    this.#sources.set(source, { epochs, newestEpoch: epoch > newestEpoch ? epoch : newestEpoch });
    // Nothing of the oldest is on its way any more.
    for (const [oldest, count] of epochs) {
      if (epochs.size <= KEPT_EPOCHS) break;
      this.#lost += missing(count);
      epochs.delete(oldest);
    }
    return { kind, missing: 0 };
  }
}

const isMissing = ({ first, newest, came, excused }: Count, number: number) =>
  number > first && number < newest && !came.has(number) && !excused.has(number);

function missing(count: Count): number {
  let gone = 0;
  for (let number = count.first + 1; number < count.newest; number++) gone += Number(isMissing(count, number));
  return gone;
}

/** `5,7-9` */
function numbers(text: string | undefined): number[] {
  if (text === undefined) return [];
  return text.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}
