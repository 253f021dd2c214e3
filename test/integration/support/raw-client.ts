import { once } from 'node:events';
import { createConnection } from 'node:net';

/** Speaks NATS' protocol word for word, for what no decent client sends. */
export async function rawClient(port: number) {
  const socket = createConnection(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let heard = '';
  let wake = () => {};
  socket.on('data', (chunk) => {
    heard += chunk;
    wake();
  });
  await once(socket, 'connect');

  /** Sends the text and resolves with what came back, once the server has worked it off. */
  const send = async (protocol: string): Promise<string> => {
    heard = '';
    socket.write(`${protocol}PING\r\n`, 'latin1');
    while (!heard.includes('PONG\r\n')) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return heard;
  };
  await send('CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\n');

  return {
    send,
    /** Publishes, with a reply subject and a block of headers as they are. */
    publish(subject: string, content: string, { replyTo = '', headers }: { replyTo?: string; headers?: string } = {}) {
      if (headers === undefined) return send(`PUB ${subject} ${replyTo} ${content.length}\r\n${content}\r\n`);
      const sizes = `${headers.length} ${headers.length + content.length}`;
      return send(`HPUB ${subject} ${replyTo} ${sizes}\r\n${headers}${content}\r\n`);
    },
    close: () => socket.destroy(),
  };
}
