import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import type { Database } from '@terabus/sql';

type Row = Readonly<Record<string, unknown>>;

/** What a client of the database says. */
export type Statement = 'commit' | { readonly text: string; readonly parameters: readonly unknown[] };

/** What it is answered: when its transaction has begun, to each statement, and when it is committed. */
export interface Answer {
  readonly rows?: readonly Row[];
  readonly error?: string;
}

/** The port of `@terabus/sql` over a connection to the database's process; a process that is killed commits nothing more. */
export function databaseAt(port: number): Database {
  return {
    async transaction(work) {
      const socket = createConnection(port, '127.0.0.1').setNoDelay(true);
      const reader = createInterface(socket);
      const lines = reader[Symbol.asyncIterator]();
      reader.on('error', () => reader.close());
      const answer = async (): Promise<readonly Row[]> => {
        const { value, done } = await lines.next();
        if (done) throw new Error('the database has gone');
        const { rows = [], error } = JSON.parse(value) as Answer;
        if (error !== undefined) throw new Error(error);
        return rows;
      };
      const say = (statement: Statement) => {
        socket.write(`${JSON.stringify(statement)}\n`);
        return answer();
      };
      try {
        await once(socket, 'connect');
        await answer();
        const result = await work(async (text, parameters = []) => ({ rows: await say({ text, parameters }) }));
        await say('commit');
        return result;
      } finally {
        socket.destroy();
      }
    },
  };
}
