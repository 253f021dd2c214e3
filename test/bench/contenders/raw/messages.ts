import { connect } from 'nats';
import type { Sides } from '../../process/contender.js';
import { contents } from '../../process/content.js';
import { TeraModuleMessage } from '../../stock/gen/TeraModuleMessage.js';
import { numberIn, packed } from './codec.js';

const MAILBOX = 'module.Bench.Module.messages';
const SOURCE = 'service.Bench.Sender';

/** Module messages by nats.js and stock code: numbered by the sender, and held against the last number by the receiver. */
export const messages: Sides = {
  lanes: () => 1,
  async receive({ url }, take) {
    const connection = await connect({ servers: url });
    const last = new Map<string, number>();
    connection.subscribe(MAILBOX, {
      callback: (error, { data }) => {
        if (error) throw error;
        const { head, data: contained } = TeraModuleMessage.decode(data);
        const { source = '', seq = 0 } = head ?? {};
        const before = last.get(source);
        if (before !== undefined && seq !== before + 1) throw new Error(`number ${seq} behind ${before}`);
        last.set(source, seq);
        for (const each of contained) take(numberIn(each));
      },
    });
    await connection.flush();
  },
  async send({ url, setting: { payload } }) {
    const connection = await connect({ servers: url });
    const content = contents(payload);
    let seq = 0;
    return {
      hand(n) {
        seq += 1;
        const bytes = TeraModuleMessage.encode({
          head: { version: 1, time: Date.now() / 1_000, seq, source: SOURCE, dest: MAILBOX },
          data: [packed(content(n))],
        }).finish();
        connection.publish(MAILBOX, bytes);
      },
      flush: () => connection.flush(),
    };
  },
};
