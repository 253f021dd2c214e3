import { type NatsServer, startNatsServer } from '@terabus/testing';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure } from '../run/figure.js';
import { until } from '../run/until.js';
import { Wire } from '../run/wire.js';
import type { ReplicaMethods } from './replica-process.js';
import { done } from './service.js';
import type { TrafficMethods } from './traffic-process.js';

const PATIENCE_MS = 10_000;

interface Size {
  readonly rollouts: number;
  readonly replicas: number;
  readonly perSecond: number;
}

/** A service is replaced, instance by instance, under load, and nobody notices. */
export const rollout = defineFigure<Size>({
  name: 'rollout',
  promise: 'instances of a service are replaced under load without a failed call, a lost event or a handler cut off',
  sizes: {
    small: { rollouts: 1, replicas: 2, perSecond: 100 },
    short: { rollouts: 10, replicas: 3, perSecond: 500 },
    long: { rollouts: 200, replicas: 3, perSecond: 500 },
  },
  async run({ rollouts, replicas, perSecond }, { progress }) {
    await using server = await startNatsServer();
    const witness = await Wire.connect(server.port);
    const handled = new Map<string, number>();
    witness.onMessage = ({ payload }) => {
      const id = payload.toString('latin1');
      handled.set(id, (handled.get(id) ?? 0) + 1);
    };
    witness.subscribe(done.name);
    await witness.flush();

    const running = await Promise.all(Array.from({ length: replicas }, () => startReplica(server)));
    const traffic = await Child.start<TrafficMethods>(new URL('./traffic-process.js', import.meta.url));
    const notes: string[] = [];
    let restarts = 0;
    let cutOff = 0;
    const end = async (replica: Child<ReplicaMethods>) => {
      replica.signal('SIGTERM');
      await replica.ended;
      const { exitCode, signalCode } = replica.process;
      if (exitCode === 0) return;
      cutOff += 1;
      notes.push(`a replica ended with ${exitCode ?? signalCode}: ${replica.errors.slice(-500)}`);
    };
    try {
      await traffic.call('start', { url: server.url, perSecond });
      for (let round = 1; round <= rollouts; round++) {
        for (let n = 0; n < replicas; n++) {
          await end(running[n] as Child<ReplicaMethods>);
          running[n] = await startReplica(server);
          restarts += 1;
        }
        progress(`${round} of ${rollouts} rollouts`);
      }
      const counts = await traffic.call('stop');
      await until(() => handled.size >= counts.events, PATIENCE_MS);
      for (const replica of running) await end(replica);
      await witness.flush();
      const text = (value: number) => value.toLocaleString('en-US');
      return {
        did:
          `${rollouts} rollouts (${restarts} × SIGTERM and a new process) of ${replicas} replicas under ` +
          `${text(counts.calls)} calls and ${text(counts.events)} events (${perSecond} a second of each)`,
        checks: [
          atLeast('calls in all', counts.calls, restarts),
          count('calls answered', counts.answered, counts.calls),
          count('events that could not be published', counts.rejected),
          count('events handled', handled.size, counts.events),
          count('handled twice', [...handled.values()].filter((times) => times > 1).length),
          count('ends with handlers cut off', cutOff),
        ],
        notes: [...notes, JSON.stringify(counts.failures)],
      };
    } finally {
      await Promise.all([...running, traffic].map((child) => child.kill()));
      witness.close();
    }
  },
});

async function startReplica(server: NatsServer): Promise<Child<ReplicaMethods>> {
  const replica = await Child.start<ReplicaMethods>(new URL('./replica-process.js', import.meta.url));
  await replica.call('start', server.url);
  return replica;
}
