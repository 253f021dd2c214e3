import { connect } from 'nats';
import { checkAnswer, texts } from '../../process/asked.js';
import type { Sides } from '../../process/contender.js';
import { RPCMessage } from '../../stock/gen/RPCMessage.js';

const SUBJECT = 'service.Bench.rpc';
const utf8 = new TextEncoder();

/** Calls by `request` of nats.js and stock code; the answer is OpenTera's JSON. */
export const rpc: Sides = {
  async receive({ url }) {
    const connection = await connect({ servers: url });
    connection.subscribe(SUBJECT, {
      callback: (error, message) => {
        if (error) throw error;
        const { method, id, args } = RPCMessage.decode(message.data);
        const result = args[0]?.stringValue;
        const answer = { method, id, pattern: SUBJECT, status: 'OK', return_value: result };
        message.respond(utf8.encode(JSON.stringify(answer)));
      },
    });
    await connection.flush();
  },
  async send({ url, setting: { payload } }) {
    const connection = await connect({ servers: url });
    const text = texts(payload);
    let id = 0;
    return {
      async hand(n) {
        id += 1;
        const asked = text(n);
        const bytes = RPCMessage.encode({
          method: 'echo',
          replyTo: '',
          id,
          timestamp: Date.now() / 1_000,
          args: [{ stringValue: asked }],
        }).finish();
        const { data } = await connection.request(SUBJECT, bytes, { timeout: 5_000 });
        const { status, return_value } = JSON.parse(new TextDecoder().decode(data));
        if (status !== 'OK') throw new Error(`the call ended with ${status}`);
        checkAnswer(return_value, asked);
      },
      flush: () => connection.flush(),
    };
  },
};
