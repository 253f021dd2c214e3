import type { Used } from '../process/meters.js';
import type { Sample } from './sample.js';

/** What a process needed, as values of a sample: CPU by message, memory in megabytes (2^20 bytes). */
export function usedBy(
  side: 'sender' | 'receiver',
  { cpuUs, peakBytes, delayMs }: Used,
  messages: number,
): Sample['values'] {
  return {
    [`${side}Cpu`]: cpuUs / messages,
    [`${side}Peak`]: peakBytes / 2 ** 20,
    [`${side}Delay`]: delayMs,
  };
}
