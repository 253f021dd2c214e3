// A process that does nothing but measure how long the machine keeps it from doing it.
import { serve } from './child-process.js';
import { StallMeter } from './stall-meter.js';

const meter = new StallMeter();

const methods = {
  /** The longest stall since then, in milliseconds. */
  worstSince: (from: number) => meter.worstSince(from),
};
export type ControlMethods = typeof methods;

serve(methods);
