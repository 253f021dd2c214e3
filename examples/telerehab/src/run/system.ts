/** The services at work, wherever they run. */
export interface System {
  /** What to tell people who watch: one line per process. */
  readonly description: readonly string[];
  /** Resolves, if it ever does, with a sentence about what ended that nobody had asked to. */
  readonly broken: Promise<string>;
  /** Drains all services, those that start things first, and ends what they ran on. */
  stop(): Promise<void>;
}
