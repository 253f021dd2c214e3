import { BusError } from '@terabus/messages';
import { Container } from 'inversify';
import type { ServiceClass } from '../contract/contract-of.js';
import type { CheckedHostOptions } from './host-options.js';
import type { RunningService } from './running-service.js';
import { TeraService } from './tera-service.js';
import { Bus, Clock, Config, Logger } from './tokens.js';

/** Builds the instance of a service, in a container of its own. */
export async function buildService(
  serviceClass: ServiceClass,
  { bus, logger }: Pick<RunningService, 'bus' | 'logger'>,
  { container: parent, clock, config }: Pick<CheckedHostOptions, 'container' | 'clock' | 'config'>,
): Promise<TeraService> {
  const container = new Container({
    ...(parent === undefined ? {} : { parent }),
    autobind: true,
    defaultScope: 'Singleton',
  });
  container.bind(Bus).toConstantValue(bus);
  container.bind(Logger).toConstantValue(logger);
  container.bind(Clock).toConstantValue(clock);
  container.bind(Config).toConstantValue(config);
  const instance = await container.getAsync(serviceClass as never);
  if (instance instanceof TeraService) return instance;
  throw new BusError(`${serviceClass.name} does not extend TeraService`, { reason: 'TERABUS_SERVICE_INVALID' });
}
