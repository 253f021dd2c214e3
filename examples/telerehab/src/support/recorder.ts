import type { Transport } from '@terabus/core/transport';
import type { Message } from '@terabus/messages';
import { decodeModuleMessage, decodeTeraEvent, standardTypes } from '@terabus/messages';
import { logLines } from '../contracts/logging.contract.js';
import { socketCommands, socketEvents } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';

/** A message as it came by. */
export interface Recorded {
  readonly topic: string;
  readonly message: Message;
  /** How many shared its envelope. */
  readonly together: number;
}

const sources = [
  UserManager.events,
  UserManager.messages,
  socketCommands.all,
  logLines.all,
  ...Object.values(socketEvents).map((each) => each.all),
];
const PATIENCE_MS = 3_000;

/** Writes down what crosses the bus, in the order in which it comes. Calls are left alone. */
export class Recorder {
  readonly recorded: Recorded[] = [];
  readonly #waiting = new Set<() => void>();

  static async on(transport: Transport): Promise<Recorder> {
    const recorder = new Recorder();
    for (const { pattern, definition } of sources) {
      await transport.subscribe(pattern, {}, ({ topic, bytes }) => {
        const contents =
          definition.wrapper === 'event' ? decodeTeraEvent(bytes).events : decodeModuleMessage(bytes).data;
        for (const any of contents)
          recorder.recorded.push({ topic, message: standardTypes.unpackAny(any), together: contents.length });
        for (const look of recorder.#waiting) look();
      });
    }
    return recorder;
  }

  /** Resolves with the first recorded message that is so, which may be there already. */
  until(isSo: (recorded: Recorded) => boolean): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      const forget = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const timer = setTimeout(() => {
        forget();
        reject(
          new Error(`it did not come; what came: ${this.recorded.map(({ topic }) => topic).join(', ') || 'nothing'}`),
        );
      }, PATIENCE_MS);
      const look = () => {
        const found = this.recorded.find(isSo);
        if (found === undefined) return;
        forget();
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Takes out what was recorded so far. */
  take(): Recorded[] {
    return this.recorded.splice(0);
  }
}
