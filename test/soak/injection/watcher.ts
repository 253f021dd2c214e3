import type { NatsServer } from '@terabus/testing';
import { Wire, type WireMessage } from '../run/wire.js';
import type { Breaches } from './breaches.js';

/** One token or several, of what may stand in a subject; the first begins with nothing that belongs to NATS. */
const PLAIN = /^(?![$_@])[!-)+-=?-~]+$/;

/** Sees everything that crosses a server, with the eyes of a plain client on `>`. */
export class Watcher {
  readonly wire: Wire;
  #seen: WireMessage[] = [];

  private constructor(wire: Wire) {
    this.wire = wire;
    wire.onMessage = (message) => this.#seen.push(message);
  }

  static async start(server: NatsServer): Promise<Watcher> {
    const watcher = new Watcher(await Wire.connect(server.port));
    watcher.wire.subscribe('>');
    await watcher.wire.flush();
    return watcher;
  }

  /** All that it saw since it was asked last. The senders have flushed. */
  async take(): Promise<readonly WireMessage[]> {
    await this.wire.flush();
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  close(): void {
    this.wire.close();
  }
}

/**
 * Holds what arrived against what was sent: `expected` has each payload with the case that sent it, and answers what
 * is wrong with the way it arrived. Whatever else arrives was smuggled in.
 */
export function judge(
  seen: readonly WireMessage[],
  expected: ReadonlyMap<
    string,
    { readonly text: string; readonly problem: (message: WireMessage) => string | undefined }
  >,
  breaches: Breaches,
): void {
  const left = new Map(expected);
  for (const message of seen) {
    const payload = message.payload.toString('latin1');
    const sent = left.get(payload);
    left.delete(payload);
    if (sent === undefined) {
      breaches.report(message.subject, `arrived, and nobody sent it: ${payload.slice(0, 80)}`);
      continue;
    }
    const problem = subjectProblem(message.subject) ?? sent.problem(message);
    if (problem === undefined) breaches.harmless += 1;
    else breaches.report(sent.text, problem);
  }
  for (const { text } of left.values()) breaches.report(text, 'was sent without an error, and never arrived');
}

function subjectProblem(subject: string): string | undefined {
  if (!PLAIN.test(subject) || subject.split('.').includes('')) return `arrived on the subject ${subject}`;
  return subject.length > 255 ? `arrived on a subject of ${subject.length} bytes` : undefined;
}
