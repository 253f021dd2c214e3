import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Measures how far the resident memory of this process (RSS) rises above what it was at the start: its peak, garbage
 * included, not what is left at the end. Run Node with `--expose-gc`: garbage of before is taken away first.
 */
export class MemoryMeter {
  readonly #before: number;
  #peak: number;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    // Twice: what finalizers let go of is only taken by the next one.
    globalThis.gc?.();
    globalThis.gc?.();
    resetKernelPeak();
    this.#before = process.memoryUsage.rss();
    this.#peak = this.#before;
    this.#timer = setInterval(() => this.#look(), 10);
    this.#timer.unref();
  }

  /** In bytes. */
  get growth(): number {
    this.#look();
    return this.#peak - this.#before;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss(), kernelPeak());
  }
}

// Linux keeps the peak itself, between our looks too.

function resetKernelPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not Linux: the looks have to do.
  }
}

function kernelPeak(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
}
