import { BusError } from '@terabus/messages';
import type { z } from 'zod';
import type { RpcMethod } from '../contract/contract.js';
import type { HandlerArguments } from '../contract/rpc-types.js';
import type { RpcContext } from '../routing/context.js';
import type { TeraService } from '../service/tera-service.js';
import { recordHandler } from './metadata.js';
import { refuseStatic } from './on-event.js';

/**
 * The method answers calls of one method of the service's own contract. It gets the arguments, checked and with their
 * defaults, then a context; what it returns, or resolves with, is checked and sent back.
 */
export function Rpc<A extends string, N extends string, Args extends readonly z.ZodType[], Returns extends z.ZodType>(
  method: RpcMethod<A, N, Args, Returns>,
): <
  M extends (
    ...args: [...HandlerArguments<Args>, context: RpcContext]
  ) => z.output<Returns> | Promise<z.output<Returns>>,
>(
  target: TeraService,
  member: string,
  descriptor: TypedPropertyDescriptor<M>,
) => void {
  return (target: object, member: string): void => {
    refuseStatic(target, member, 'Rpc');
    if (method?.kind !== 'rpc') {
      throw new BusError(
        `@Rpc on ${target.constructor.name}.${member} takes a method of a contract, such as Contract.rpc.name`,
        {
          reason: 'TERABUS_HANDLER_INVALID',
        },
      );
    }
    recordHandler(target, member, { kind: 'rpc', method });
  };
}
