import { connect } from 'nats';

/** Somebody with all rights at a server, who speaks JetStream's API in its own words. */
export async function administrator(servers: string, user?: { readonly user: string; readonly pass: string }) {
  const connection = await connect({ servers, ...user });
  return {
    connection,
    /** Calls the API; gives its answer, errors too. */
    async call(
      operation: string,
      body: object = {},
    ): Promise<{
      readonly error?: unknown;
      readonly config?: object;
      readonly success?: boolean;
      readonly delivered?: object;
    }> {
      const answer = await connection.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: 5_000 });
      return answer.json();
    },
    close: () => connection.close(),
  };
}
