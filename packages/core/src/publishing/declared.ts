import { BusError } from '@terabus/messages';
import type { Contract, Source, TopicDefinition, Usable } from '../contract/contract.js';

/**
 * What a service may publish to, send to, subscribe to and call: its own events, and what its `uses` name. A service
 * that sends to its own mailbox or calls its own methods names its own contract there: else it would need permissions at
 * the server which hardly any service makes use of.
 * Everything else is refused at its first use, in memory as on NATS, so that a forgotten line shows in a test and
 * not as a denied permission in production.
 */
export class Declared {
  /** What it may publish and send to. */
  readonly #spoken = new Map<string, TopicDefinition>();
  /** What it may subscribe to beside: its own mailbox, the events of the contracts that it uses. */
  readonly #heard = new Map<string, TopicDefinition>();
  /** Contracts and methods by address; a set of names where only single methods are declared. */
  readonly #methods = new Map<string, { readonly contract: Contract | undefined; readonly names: Set<string> }>();
  readonly #service: string;
  readonly #own: Contract;
  /** What was found right last: of many messages in a row the topic is the same. */
  #lastSpoken: TopicDefinition | undefined;

  constructor(service: string, contract: Contract, uses: readonly Usable[]) {
    this.#service = service;
    this.#own = contract;
    this.#addTopic(contract.events as Source | undefined);
    this.#addHeard(contract.messages as Source | undefined);
    for (const used of uses) {
      if (used.kind === 'module' || used.kind === 'service') this.#addUsedContract(used);
      else if (used.kind === 'rpc') this.#namesOf(used.address).add(used.name);
      else if ('definition' in used) this.#addTopic(used);
    }
  }

  #addContract(contract: Contract): void {
    const names = new Set([...this.#namesOf(contract.address), ...Object.keys(contract.rpc)]);
    this.#methods.set(contract.address, { contract, names });
    this.#addTopic(contract.messages as Source | undefined);
  }

  #addUsedContract(contract: Contract): void {
    this.#addContract(contract);
    this.#addHeard(contract.events as Source | undefined);
  }

  #addHeard(topic: { readonly definition: TopicDefinition } | undefined): void {
    if (topic !== undefined) this.#heard.set(topic.definition.template, topic.definition);
  }

  #addTopic(topic: { readonly definition: TopicDefinition } | undefined): void {
    if (topic !== undefined) this.#spoken.set(topic.definition.template, topic.definition);
  }

  #namesOf(address: string): Set<string> {
    const known = this.#methods.get(address) ?? { contract: undefined, names: new Set<string>() };
    this.#methods.set(address, known);
    return known.names;
  }

  /** @throws BusError `TERABUS_NOT_DECLARED` or `TERABUS_CONTRACT_MISMATCH` */
  checkTopic(definition: TopicDefinition, doing: 'publishes to' | 'sends to' | 'subscribes to'): void {
    if (definition === this.#lastSpoken) return;
    const { template } = definition;
    const declared = this.#spoken.get(template) ?? (doing === 'subscribes to' ? this.#heard.get(template) : undefined);
    if (declared === undefined) {
      throw this.#notDeclared(`${doing} '${template}'`, template === `${this.#own.address}.messages`);
    }
    if (declared !== definition && declared.digest !== definition.digest) throw this.#mismatch(`'${template}'`);
    if (doing !== 'subscribes to') this.#lastSpoken = declared;
  }

  /** @throws BusError `TERABUS_NOT_DECLARED` or `TERABUS_CONTRACT_MISMATCH` */
  checkMethod(contract: Contract, method: string): void {
    const declared = this.#methods.get(contract.address);
    const own = contract.address === this.#own.address;
    if (declared === undefined) throw this.#notDeclared(`calls ${contract.address}`, own);
    if (declared.contract !== undefined && declared.contract.digest !== contract.digest) {
      throw this.#mismatch(contract.address);
    }
    // Single methods may be declared, and not the others of their contract.
    if (!declared.names.has(method)) throw this.#notDeclared(`calls '${method}' of ${contract.address}`, own);
  }

  #notDeclared(what: string, own: boolean): BusError {
    const why = own ? "and its own contract is not in its 'uses'" : "which is neither its own nor in its 'uses'";
    return new BusError(`${this.#service} ${what}, ${why}`, { reason: 'TERABUS_NOT_DECLARED' });
  }

  #mismatch(what: string): BusError {
    return new BusError(`${this.#service} declares another definition of ${what} than the one it uses here`, {
      reason: 'TERABUS_CONTRACT_MISMATCH',
    });
  }
}

/** For code that has no contract from which anybody would derive its permissions. */
export const EVERYTHING: Pick<Declared, 'checkTopic' | 'checkMethod'> = Object.freeze({
  checkTopic: () => undefined,
  checkMethod: () => undefined,
});
