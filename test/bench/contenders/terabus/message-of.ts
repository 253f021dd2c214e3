import { DeviceEvent } from '@terabus/messages';
import type { Content } from '../../process/content.js';

/** The message that says it: a literal, as services write them. */
export const messageOf = ({ deviceUuid, type, deviceName, deviceStatus }: Content): DeviceEvent => ({
  $type: DeviceEvent.$type,
  deviceUuid,
  type,
  deviceName,
  deviceStatus,
});
