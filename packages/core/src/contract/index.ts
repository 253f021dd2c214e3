// What a file with contracts needs, and nothing else: no container, no logger, no transport. Web pages and tools
// import contracts through this door.
export type { Message, MessageFamily, MessageType } from '@terabus/messages';
export { defineFamily } from '@terabus/messages';
export { bytes, json, uuid } from '../rpc/values.js';
export type {
  Contract,
  CoreDeliveryOptions,
  Delivery,
  DeliveryOptions,
  DeliveryOptionsOf,
  Instances,
  MessagesOf,
  Pattern,
  RpcMethod,
  Source,
  Topic,
  TopicDefinition,
  TopicFamily,
  TypeOrFamily,
  Usable,
  Wrapper,
} from './contract.js';
export { type ContractOptions, type DefinedContract, defineModule, defineService } from './define-contract.js';
export { defineTopic, type TopicOrFamily, type TypedTopicOptions } from './define-topic.js';
export type { Durability, DurableOptions, DurableSettings } from './durable.js';
export { from } from './from.js';
export type { CallArguments, CallOptions, Client, HandlerArguments, RpcOptions, RpcSignature } from './rpc-types.js';
export { rpc } from './rpc-types.js';
