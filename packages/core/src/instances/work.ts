import type { Logger } from 'pino';
import type { TalkParts } from './talk.js';

/** What an instance does with its service when its role changes. */
export interface InstanceWork {
  /** Subscribes, and holds what comes. */
  hold(): Promise<void>;
  /** What is held from here on comes to this instance alone. */
  mark(): void;
  /** Handles what is held and what comes. */
  begin(): Promise<void>;
  /** Whether sequence numbers tell anything: not while messages are shared with another instance. */
  judge(on: boolean): void;
  /** Stops the intake. */
  endIntake(): Promise<void>;
  /** Lets what runs and waits end, within the time of a drain, and its publishes go out. */
  finish(): Promise<void>;
  /** It handles nothing any more. */
  stoodBy(): Promise<void>;
}

/** What an {@link Instance} is made of. */
export interface InstanceParts extends TalkParts {
  readonly logger: Logger;
  readonly work: InstanceWork;
}
