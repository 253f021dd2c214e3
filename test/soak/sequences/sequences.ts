import { atLeast, count, defineFigure } from '../run/figure.js';
import { numbersOverNats } from './over-nats.js';
import { numbersInBulk } from './volume.js';

interface Size {
  readonly inBulk: number;
  readonly overNats: number;
}

/** Loss among numbered messages is seen, and nothing else is taken for it. */
export const sequences = defineFigure<Size>({
  name: 'sequences',
  promise: 'what is lost, doubled or overtaken among module messages is found, and nothing else is',
  sizes: {
    small: { inBulk: 3_000, overNats: 600 },
    short: { inBulk: 180_000, overNats: 20_000 },
    long: { inBulk: 9_500_000, overNats: 500_000 },
  },
  async run(size, soak) {
    const bulk = await numbersInBulk(size.inBulk, soak);
    const nats = await numbersOverNats(size.overNats, soak);
    const parts = [bulk, nats];
    const sum = (of: (part: typeof bulk | typeof nats) => number) => parts.reduce((total, part) => total + of(part), 0);
    const text = (value: number) => value.toLocaleString('en-US');
    return {
      did:
        `${text(size.inBulk)} messages in one process and ${text(size.overNats)} over NATS, of which ` +
        `${text(sum(({ channel }) => channel.dropped))} dropped, ${text(sum(({ channel }) => channel.doubled))} doubled, ` +
        `${text(sum(({ channel }) => channel.swapped))} overtaken, ${text(bulk.refused)} refused at the sender; ` +
        `${sum(({ restarts }) => restarts.senders)} restarts of senders, ` +
        `${sum(({ restarts }) => restarts.receivers)} of the receiver`,
      checks: [
        count(
          'faults seen as what they are',
          sum(({ score }) => score.found),
          sum(({ score }) => score.deserved),
        ),
        atLeast(
          'arrivals that were not the next of their sender',
          sum(({ score }) => score.deserved),
          (size.inBulk + size.overNats) / 100,
        ),
        count(
          'wrong verdicts',
          sum(({ score }) => score.wrong),
        ),
        count(
          'counted loss',
          sum(({ score }) => score.countedLoss),
          sum(({ trueLoss }) => trueLoss),
        ),
      ],
      notes: parts.flatMap(({ score }) => score.notes),
    };
  },
});
