// A callee and a caller that keeps calling, for faults of the link between them.
import { BusError, defineModule, defineService, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { z } from 'zod';

export const Callee = defineModule('Test.Callee', {
  rpc: {
    /** Ends when it is told to, or at once. */
    read: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 15_000, idempotent: true }),
    write: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 15_000 }),
  },
});
const Caller = defineService('Test.Caller', {});

@Service(Callee)
export class CalleeService extends TeraService {
  readonly seen: number[] = [];
  /** While it is set, calls that come wait for it. */
  gate: Promise<void> | undefined;

  @Rpc(Callee.rpc.read)
  async read(n: number) {
    this.seen.push(n);
    await this.gate;
    return n;
  }
  @Rpc(Callee.rpc.write)
  write(n: number) {
    return this.read(n);
  }
}

@Service(Caller, { uses: [Callee] })
export class CallerService extends TeraService {
  /** The answers, or the reasons of errors, of all calls that {@link begin} made. */
  readonly outcomes: (number | string | undefined)[] = [];
  #going = false;
  #calls: Promise<void> = Promise.resolve();

  get callee() {
    return this.client(Callee);
  }
  /** Calls, one call after the other. */
  begin() {
    this.#going = true;
    const calls = async () => {
      for (let n = 0; this.#going; n += 1) this.outcomes.push(await outcome(this.callee.read(n, { timeoutMs: 3_000 })));
    };
    this.#calls = calls();
  }
  async end() {
    this.#going = false;
    await this.#calls;
  }
}

/** What a call came to: its answer, or the reason of its error. */
export const outcome = (call: Promise<number>) =>
  call.catch((error: unknown) => {
    const { reason, retryable } = BusError.from(error);
    return retryable ? `${reason} retryable` : reason;
  });

/** A promise, and what resolves it. */
export function gate() {
  let open = () => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}
