// The database that services have in common, in a process that outlives theirs. A connection is one transaction: where it
// ends without a commit, it is rolled back, as a database does when its client is killed.
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { PGlite } from '@electric-sql/pglite';
import { serve } from '../run/child-process.js';
import type { Answer, Statement } from './database.js';

let pglite: PGlite;

const methods = {
  /** Resolves with the port at which it listens. */
  async open(schema: string) {
    pglite = new PGlite();
    await pglite.exec(schema);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      void transaction(socket);
    });
    return new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  },
  async query(text: string) {
    return (await pglite.query<Record<string, unknown>>(text)).rows;
  },
};
export type DatabaseMethods = typeof methods;

async function transaction(socket: Socket): Promise<void> {
  const reader = createInterface(socket);
  const lines = reader[Symbol.asyncIterator]();
  // A client that was killed may leave without an end.
  socket.on('close', () => reader.close());
  reader.on('error', () => reader.close());
  const tell = (answer: Answer) => socket.write(`${JSON.stringify(answer)}\n`);
  try {
    await pglite.transaction(async ({ query }) => {
      tell({});
      for await (const line of lines) {
        const statement = JSON.parse(line) as Statement;
        if (statement === 'commit') return;
        try {
          tell({ rows: (await query<Record<string, unknown>>(statement.text, [...statement.parameters])).rows });
        } catch (error) {
          tell({ error: (error as Error).message });
        }
      }
      throw new Error('the client has gone');
    });
    tell({});
  } catch (error) {
    tell({ error: (error as Error).message });
  }
  socket.end();
}

serve(methods);
