import type { NatsPermissions } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';

/** A user who may do everything: for whoever asks and listens on the other side. */
export const OPERATOR = { user: 'operator', password: 'p' };

/** A server with these users, all with the password `p`, and the {@link OPERATOR}. */
export const serverWith = (users: ReadonlyMap<string, NatsPermissions>, jetstream = false): Promise<NatsServer> =>
  startNatsServer({ configuration: configurationWith(users), jetstream });

/** JSON is all that the configuration of a server is. */
export function configurationWith(users: ReadonlyMap<string, NatsPermissions>): string {
  const granted = [...users].map(([user, permissions]) => ({ user, password: OPERATOR.password, permissions }));
  return JSON.stringify({ authorization: { users: [OPERATOR, ...granted] } }, undefined, 1);
}

/** The subjects that the server has refused a user, as its log names them. */
export function refusedTo(server: NatsServer, user: string): { readonly how: string; readonly subject: string }[] {
  const lines = server.log().matchAll(/(Publish|Subscription) Violation - User "([^"]+)", Subject "([^"]+)"/g);
  return [...lines]
    .filter(([, , refused]) => refused === user)
    .map(([, how = '', , subject = '']) => ({ how: how === 'Publish' ? 'publish' : 'subscribe', subject }));
}

/** What `grants` says of a user without one of its grants. */
export function without(permissions: NatsPermissions, { how, grant }: Grant): NatsPermissions {
  const allow = permissions[how].allow.filter((each) => each !== grant);
  // An empty list would allow everything.
  return { ...permissions, [how]: allow.length > 0 ? { ...permissions[how], allow } : { allow, deny: ['>'] } };
}

/** One entry of the permissions of a user. */
export interface Grant {
  readonly how: 'publish' | 'subscribe';
  readonly grant: string;
}

export const grantsOf = (permissions: NatsPermissions): Grant[] =>
  (['publish', 'subscribe'] as const).flatMap((how) => permissions[how].allow.map((grant) => ({ how, grant })));

/** Runs `work` for each item, a few at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
