export { connectNats } from './connect-nats.js';
export { natsEnvironment, natsOptionsFromEnv } from './environment.js';
export { compareStore, type Provisioned, provision } from './jetstream/provision.js';
export type { NatsOptions } from './options.js';
export type { Grants } from './permission-entries.js';
export {
  type NatsPermissions,
  natsPermissions,
  type PermissionOptions,
  provisionPermissions,
  type Subscribable,
} from './permissions.js';
export type { ReplyShape } from './reply-subjects.js';
export { type RunOptions, runService } from './run-service.js';
