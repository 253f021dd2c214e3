// Table of contents of @terabus/core: what the author of a service needs first.

// Errors.
export { BusError, type BusErrorOptions, type Code, codes, isReason, type Reason, reasons } from '@terabus/messages';
// ---------------------------------------------------------------------------------------------------------------
// Symbols above are for service authors. Symbols below are for tools that read what services declare.
export {
  contractOf,
  type GroupPlan,
  type HandlerPlan,
  type MethodPlan,
  type ServiceClass,
  type ServicePlan,
} from './contract/contract-of.js';
// Its contract (also behind the smaller door '@terabus/core/contract').
export * from './contract/index.js';
export { type InstanceTopics, instanceTopics, makesRequests } from './contract/needs.js';
export type { RpcDeliveryOptions, ServiceOptions } from './decorators/metadata.js';
// A service.
export { OnEvent } from './decorators/on-event.js';
export { OnMessage } from './decorators/on-message.js';
export { OnPayload } from './decorators/on-payload.js';
export { Rpc } from './decorators/rpc.js';
export { Service } from './decorators/service.js';
export { Use } from './decorators/use.js';
// What it stores.
export type { DeadLetter } from './durable/dead-letter.js';
export {
  type DeadLetterFilter,
  type DeadLetterPage,
  type DeadLetters,
  type DeadLettersOptions,
  openDeadLetters,
} from './durable/dead-letters.js';
export { DEAD_HEADER, DURABLE_HEADER } from './durable/headers.js';
export type { Inbox, InboxWork } from './durable/inbox.js';
export { KeyValueInbox } from './durable/key-value-inbox.js';
export type { HeldLease } from './durable/lease.js';
export { planStreams, type StorePlanOptions } from './durable/plan-streams.js';
export type { DurablePlace } from './durable/stored-context.js';
// Running it.
export type { BacklogHealth, GroupHealth, Health, Problem, Role, ServiceHealth } from './health/health.js';
export type { HealthOptions } from './health/health-server.js';
// Around it: middlewares, interceptors, observers.
export { type LoggingOptions, logging } from './middleware/logging.js';
export type { Middleware, Next } from './middleware/middleware.js';
export { validation } from './middleware/validation.js';
export type { Counters } from './observe/counters.js';
export { logHooks } from './observe/log-hooks.js';
export type { BusEvent, Observer } from './observe/observer.js';
export type { BatchingFamilyPublisher, BatchingOptions, BatchingPublisher } from './publishing/batching.js';
export { HEADER } from './publishing/headers.js';
export type { Interceptor, Outgoing, Send } from './publishing/interceptor.js';
export type { PublishOptions, Receipt } from './publishing/options.js';
export type {
  AnyContext,
  DurableContext,
  DurableTrackedContext,
  EventContext,
  HandlerContext,
  RpcContext,
  TrackedContext,
} from './routing/context.js';
export type { CallRetryOptions } from './rpc/retry.js';
export type { Verdict } from './sequencing/verdict.js';
export type { MessageHandler, Subscription } from './service/bus.js';
export {
  type HostEnvironment,
  hostEnvironment,
  hostOptionsFromEnv,
  refuseUnknownVariables,
} from './service/environment.js';
export { type Host, type StopReport, startHost } from './service/host.js';
export type { HostOptions } from './service/host-options.js';
export type { LeaseOptions } from './service/leases.js';
export type { LifecycleState } from './service/lifecycle.js';
export { type OpenBus, type OpenBusOptions, openBus } from './service/open-bus.js';
export { EXIT, runUntilSignal } from './service/run-until-signal.js';
export { TeraService } from './service/tera-service.js';
export { Bus, Clock, Config, Logger } from './service/tokens.js';
export type { Stored } from './transport/streams.js';
