import { Child } from './child.js';
import type { ControlMethods } from './control-process.js';
import { sharedNow } from './stall-meter.js';

/** An idle process beside the measured ones: what stalls it is the machine's doing, not Terabus'. */
export class Control {
  readonly #child: Child<ControlMethods>;

  private constructor(child: Child<ControlMethods>) {
    this.#child = child;
  }

  static async start(): Promise<Control> {
    return new Control(await Child.start<ControlMethods>(new URL('./control-process.js', import.meta.url)));
  }

  /** Opens a window; the function that it returns tells the control's worst stall in it so far. */
  watch(): () => Promise<number> {
    const from = sharedNow();
    return () => this.#child.call('worstSince', from);
  }

  stop(): Promise<void> {
    return this.#child.kill();
  }
}
