import { DeviceEvent } from '@terabus/messages';
import type { Content } from '../../process/content.js';

/** The message that says it, as a literal. */
export const messageOf = ({ deviceUuid, type, deviceName, deviceStatus }: Content): DeviceEvent => ({
  $type: DeviceEvent.$type,
  deviceUuid,
  type,
  deviceName,
  deviceStatus,
});
