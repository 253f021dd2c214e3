import type { RpcMethod, Topic } from '../contract/contract.js';

/** What is about to leave a service. */
export type Outgoing = {
  /** The address of the service that sends it. */
  readonly service: string;
  /** Headers of the message; an interceptor may add to them. */
  readonly headers: Map<string, string>;
} & (
  | {
      readonly kind: 'publish' | 'send';
      readonly topic: Topic;
      readonly messages: readonly unknown[];
      /** Whether to wait until the server has it. */
      readonly confirm: boolean;
      /** Of a durable topic: for how many milliseconds it is tried, where the publisher said it. */
      readonly timeoutMs?: number | undefined;
      /** Of a durable topic: whether it is sent alone. */
      readonly ordered?: boolean | undefined;
    }
  | { readonly kind: 'call'; readonly method: RpcMethod; readonly args: readonly unknown[] }
);

/** Sends it, and resolves with the result of a call, with where a message is stored, or with undefined. */
export type Send = (outgoing: Outgoing) => Promise<unknown>;

/**
 * Runs around everything that leaves a host, as a middleware runs around handlers: for views, traces and headers of
 * your own. It hands on what `next` resolves with; one that waits before it calls `next` may change the order of what
 * is published. It changes nothing of a message itself, but hands on another list with another message: those that a batching
 * publisher was given are encoded by then. Nobody but the callee may subscribe to an RPC subject, so this is also how
 * calls are watched.
 */
export type Interceptor = (next: Send) => Send;

/** One function out of a list of interceptors and what they wrap; the first is the outermost. */
export const intercept = (interceptors: readonly Interceptor[], innermost: Send): Send =>
  interceptors.reduceRight((next, interceptor) => interceptor(next), innermost);
