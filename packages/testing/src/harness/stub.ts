import type { Contract, HandlerArguments, Message, RpcContext, RpcMethod, ServiceClass, Source } from '@terabus/core';
import { BusError, OnMessage, Rpc, Service, TeraService } from '@terabus/core';
import { defineFamily } from '@terabus/messages';

/** An answer for each method of a contract, or for some: a function of the method's arguments. */
export type Answers<C extends Contract> = {
  -readonly [M in keyof C['rpc']]?: C['rpc'][M] extends RpcMethod<string, string, infer Args, infer Returns>
    ? (
        ...args: [...HandlerArguments<Args>, context: RpcContext]
      ) => Returns['_zod']['output'] | Promise<Returns['_zod']['output']>
    : never;
};

type ArgumentsOf<Method> =
  Method extends RpcMethod<string, string, infer Args> ? HandlerArguments<Args> : readonly unknown[];

type MailboxMessage<C extends Contract> =
  C extends Contract<string, unknown, Source<'module-message', infer P>> ? P : never;

/** A stand-in for the module of a contract, made by {@link stub}. */
export interface Stub<C extends Contract = Contract> {
  readonly contract: C;
  /** The answers as given. They are looked up at each call, so a test may change them. */
  readonly answers: Answers<C>;
  /** The arguments of the calls of one method so far, answered or not. */
  calls<M extends keyof C['rpc'] & string>(method: M): readonly ArgumentsOf<C['rpc'][M]>[];
  /** What was sent to its mailbox so far, in order of arrival. */
  readonly messages: readonly MailboxMessage<C>[];
}

/** What a harness needs of a stub, whatever its contract. */
export type AnyStub = Pick<Stub, 'contract'>;

/**
 * A stand-in for another module, typed from its contract: it answers calls, and keeps them and what is sent to its
 * mailbox. A method without an answer rejects at its caller with `UNIMPLEMENTED`, naming the stub: a test that forgot
 * one learns of it at once.
 *
 * ```ts
 * const accounts = stub(Accounts, { name_of: (uuid) => (uuid === ANA ? 'Ana' : null) });
 * const harness = await startHarness({ services: [Greeter], stubs: [accounts] });
 * // …
 * expect(accounts.calls('name_of')).to.deep.equal([[ANA]]);
 * ```
 *
 * A stub belongs to one harness. What its module publishes, the test publishes: `harness.publish(Accounts.events, …)`.
 */
export function stub<C extends Contract>(contract: C, answers: Answers<NoInfer<C>> = {}): Stub<C> {
  const stubbed = new RunnableStub(contract, answers as unknown as Record<string, Answer>);
  return stubbed as unknown as Stub<C>;
}

/** The class that a host runs in place of the module. */
export function serviceClassOf(stubbed: AnyStub): ServiceClass {
  if (stubbed instanceof RunnableStub) return stubbed.serviceClass;
  throw new BusError('stubs are made by stub(contract, { … })', { reason: 'TERABUS_HOST_INVALID' });
}

type Answer = (...args: readonly unknown[]) => unknown;

class RunnableStub {
  readonly contract: Contract;
  readonly answers: Record<string, Answer | undefined>;
  readonly messages: unknown[] = [];
  readonly serviceClass: ServiceClass;
  readonly #calls: { readonly method: string; readonly args: readonly unknown[] }[] = [];

  constructor(contract: Contract, answers: Record<string, Answer | undefined>) {
    this.contract = contract;
    this.answers = answers;
    this.serviceClass = this.#newClass();
  }

  calls(method: string): readonly (readonly unknown[])[] {
    return this.#calls.filter((call) => call.method === method).map(({ args }) => args);
  }

  #answer(method: string, args: readonly unknown[]): unknown {
    this.#calls.push({ method, args: args.slice(0, -1) });
    const answer = Object.hasOwn(this.answers, method) ? this.answers[method] : undefined;
    if (answer !== undefined) return answer(...args);
    throw new BusError(
      `the stub of ${this.contract.address} has no answer for '${method}': give it one, stub(…, { ${method}: … })`,
      { code: 'UNIMPLEMENTED', reason: 'STUB_UNANSWERED' },
    );
  }

  /** Decorators are functions: a class can be put together while the test runs. */
  #newClass(): ServiceClass {
    const { contract } = this;
    class StubService extends TeraService {}
    Object.defineProperty(StubService, 'name', { value: `stub of ${contract.address}` });
    // Members of their own, so that a method of the contract may be called `publish` or `onStart`.
    const member = (name: string, method: Answer, decorate: (target: TeraService, name: string, on: never) => void) => {
      Object.defineProperty(StubService.prototype, name, { value: method });
      decorate(StubService.prototype, name, undefined as never);
    };
    for (const method of Object.values(contract.rpc)) {
      member(`answer ${method.name}`, (...args) => this.#answer(method.name, args), Rpc(method));
    }
    const mailbox = contract.messages as Source<'module-message', Message> | undefined;
    if (mailbox !== undefined) {
      const all = defineFamily('anything', [...mailbox.definition.types.values()]);
      member('take message', (message) => void this.messages.push(message), OnMessage(mailbox, all));
    }
    Service(contract)(StubService);
    return StubService;
  }
}
