import type { Direction } from './direction.js';
import type { Frame, Watch } from './frame-reader.js';
import type { WorkingRule } from './rule.js';

/** The rules of a proxy, in the order in which they were added: each sees what those before it have left. */
export class RuleBook<Lane> {
  readonly #rules: WorkingRule<Lane>[] = [];

  add(rule: WorkingRule<Lane>): void {
    this.#rules.push(rule);
  }

  /** Ends a rule, and returns what waited in it, by lane, as the rules behind it leave it. */
  remove(rule: WorkingRule<Lane>, lanes: Iterable<Lane>): ReadonlyMap<Lane, readonly Frame[]> {
    const released = new Map([...lanes].map((lane) => [lane, this.#released(lane, rule)]));
    const index = this.#rules.indexOf(rule);
    if (index !== -1) this.#rules.splice(index, 1);
    return released;
  }

  watch(direction: Direction): Watch {
    const rules = () => this.#rules.filter(({ on }) => on === direction);
    return {
      get isOn() {
        return rules().length > 0;
      },
      watches: (subject) => rules().some((rule) => rule.watches(subject)),
    };
  }

  apply(direction: Direction, lane: Lane, frame: Frame): readonly Frame[] {
    return this.#through(this.#rules, direction, lane, [frame]);
  }

  /** What still waits in a lane that ends. */
  release(direction: Direction, lane: Lane): readonly Frame[] {
    return this.#rules.filter(({ on }) => on === direction).flatMap((rule) => this.#released(lane, rule));
  }

  #released(lane: Lane, rule: WorkingRule<Lane>): readonly Frame[] {
    const behind = this.#rules.slice(this.#rules.indexOf(rule) + 1);
    return this.#through(behind, rule.on, lane, rule.release(lane));
  }

  #through(
    rules: readonly WorkingRule<Lane>[],
    direction: Direction,
    lane: Lane,
    frames: readonly Frame[],
  ): readonly Frame[] {
    return rules
      .filter(({ on }) => on === direction)
      .reduce((left, rule) => left.flatMap((frame) => rule.apply(lane, frame)), frames);
  }
}
