// The code of docs/promises.md about what is stored: compiled here, and compared by readme.spec.ts.
import {
  BusError,
  defineModule,
  defineService,
  defineTopic,
  from,
  OnPayload,
  Service,
  TeraService,
} from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';

declare function dischargeAllBefore(day: string, fence: number, signal: AbortSignal): Promise<void>;

// #region contract
export const Admissions = defineModule('Clinic.AdmissionsModule', {
  messages: { types: [DeviceEvent], durable: { keepMs: 30 * 86_400_000 } },
});
export const lamps = defineTopic('lamp.{room}', { wrapper: 'text', durable: { lastValue: true } });
// #endregion

@Service(defineService('Reception', {}), { uses: [Admissions, lamps], leases: true })
export class ReceptionService extends TeraService {
  // #region store
  async admit(event: DeviceEvent, formId: string) {
    try {
      const { sequence, duplicate } = await this.send(Admissions.messages, event, { messageId: formId });
      this.logger.info({ sequence, duplicate }, 'admitted');
    } catch (error) {
      // Stored or not: the same form again finds out, and is stored once.
      if (BusError.is(error) && error.reason === 'TERABUS_STORE_UNKNOWN') this.logger.warn({ err: error }, 'again?');
      throw error;
    }
  }
  // #endregion

  // #region last-value
  @OnPayload(from(lamps.all, { everyInstance: true }))
  onLamp(text: string) {
    this.logger.info(`it is ${text}`);
  }
  // #endregion

  // #region lease
  async night(day: string) {
    await this.lease(`discharge ${day}`, ({ fence, signal }) => dischargeAllBefore(day, fence, signal));
  }
  // #endregion
}
