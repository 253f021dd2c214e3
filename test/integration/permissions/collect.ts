// Loaded before an example of one page (`node --import`), which keeps its classes to itself: notes which classes become
// services, and sends what they are granted, and declare, to the parent when the example has ended.
import 'reflect-metadata';
import type { ServiceClass } from '@terabus/core';
import { contractOf } from '@terabus/core';
import { natsPermissions, type PermissionOptions } from '@terabus/nats';
import { declaredBy } from './declared.js';

const services: ServiceClass[] = [];
const defineMetadata = Reflect.defineMetadata as (...args: unknown[]) => void;
Reflect.defineMetadata = (...args: unknown[]) => {
  const [key, , target] = args;
  if (key === '@terabus/core/service') services.push(target as ServiceClass);
  defineMetadata(...args);
};

process.once('beforeExit', () => {
  const options = JSON.parse(process.env['PERMISSION_OPTIONS'] ?? '[]') as PermissionOptions[];
  process.send?.({
    permissions: options.map((each) => natsPermissions(services, { ...each, deadLetters: true })),
    declared: declaredBy(services.map(contractOf)),
  });
  process.disconnect();
});
