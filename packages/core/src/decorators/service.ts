import { injectable, injectFromHierarchy } from 'inversify';
import type { Contract, Usable } from '../contract/contract.js';
import type { TeraService } from '../service/tera-service.js';
import type { ServiceOptions } from './metadata.js';
import { recordService } from './metadata.js';

/** The options of `@Service` for a class that says in its type what it uses: `TeraService<typeof Own, typeof A | typeof B>`. */
type OptionsFor<Declared> = Omit<ServiceOptions, 'uses'> & { readonly uses?: readonly (Usable & Declared)[] };

/** The compiler compares a class without members by what its base class says of itself: by nothing, if it says nothing. */
interface Decorates<C extends Contract, Declared extends Usable> {
  <S extends abstract new (...args: never[]) => TeraService>(
    target: TeraService extends InstanceType<S> ? S : never,
  ): void;
  <S extends abstract new (...args: never[]) => TeraService<C, Declared>>(target: S): void;
}

/**
 * Makes a class the service of a contract. The class extends `TeraService`; inversify builds it, so that it may ask
 * for its parts with `@inject`.
 *
 * @param contract what the service offers: its topics are its own, its methods must all have a handler.
 * @param options what else it uses, and how its calls run.
 */
export function Service<C extends Contract, Declared extends Usable = Usable>(
  contract: C,
  options: OptionsFor<Declared> = {},
): Decorates<C, Declared> {
  return (target: abstract new (...args: never[]) => TeraService) => {
    // What base classes ask for, too: without this a constructor that is inherited gets nothing, without a word. A
    // constructor of its own that takes parts says itself which.
    injectFromHierarchy({ extendConstructorArguments: target.length === 0, extendProperties: true })(target as never);
    injectable()(target as never);
    recordService(target, { contract, options });
  };
}
