import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServiceClass, TopicFamily } from '@terabus/core';
import { contractOf } from '@terabus/core';
import { type NatsPermissions, natsPermissions, provision } from '@terabus/nats';
import { expectedOf } from '../../examples/support/run-example.js';
import { type Declared, declaredBy } from './declared.js';
import { OPERATOR } from './server.js';

const examples = new URL('../../../../examples/', import.meta.url);

/** One host of an example: one connection, one user. */
export interface HostUnderTest {
  /** The name of its connection. */
  readonly name: string;
  readonly declared: Declared;
  /** Patterns that it subscribes to as it runs. */
  readonly comingAndGoing: readonly string[];
  permissions(namespace: string): NatsPermissions;
}

/** An example that can be driven by what drives it elsewhere: its own run. */
export interface SystemUnderTest {
  readonly name: string;
  readonly hosts: readonly HostUnderTest[];
  /** Starts it in processes of its own, each as its host's user. */
  start(url: string, namespace: string, userOf: (host: HostUnderTest) => string): Drive;
}

/** An example at work. */
export interface Drive {
  /** Resolves with undefined when everything happened that was expected; else with what did not. */
  readonly outcome: Promise<string | undefined>;
  /** Ends what still runs. */
  kill(): Promise<void>;
}

/** All examples. */
export function examplesUnderTest(): Promise<SystemUnderTest[]> {
  const pages = ['01-events', '02-rpc', '03-module-messages', '04-own-messages', '05-durable'];
  return Promise.all([...pages.map(onePage), telerehab()]);
}

/** What a connection is called that is given no name. */
const CONNECTION = 'terabus';

/** How many namespaces the one-page examples are prepared for. */
const NAMESPACES = 40;
export const namespaceOf = (index: number) => `n${index}`;

/** An example of one page: one host in one process. */
async function onePage(name: string): Promise<SystemUnderTest> {
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => namespaceOf(index));
  const { permissions, declared } = await collected(name, namespaces);
  const host: HostUnderTest = {
    name: CONNECTION,
    declared,
    comingAndGoing: [],
    permissions: (namespace) => permissions[namespaces.indexOf(namespace)] as NatsPermissions,
  };
  return {
    name,
    hosts: [host],
    start(url, namespace, userOf) {
      let child: ChildProcess | undefined;
      let isKilled = false;
      const run = async () => {
        // The page finds its streams made: it may not make them under these permissions.
        const options = { servers: url, namespace, name: 'operator', ...OPERATOR };
        if (declared.stored.streams.length > 0) await provision(declared.stored, options);
        if (isKilled) return 'was killed';
        child = startNode(name, 'dist/run.js', [], environmentOf(url, namespace, userOf(host)));
        let stdout = '';
        child.stdout?.setEncoding('utf8').on('data', (text) => {
          stdout += text;
        });
        const [code] = await once(child, 'close');
        return code === 0 && stdout === expectedOf(name) ? undefined : `ended with ${code} and printed ${stdout}`;
      };
      return {
        outcome: run(),
        kill: async () => {
          isKilled = true;
          if (child !== undefined) await killed(child);
        },
      };
    },
  };
}

async function collected(name: string, namespaces: readonly string[]) {
  const collect = new URL('./collect.js', import.meta.url).href;
  const options = JSON.stringify(namespaces.map((namespace) => ({ namespace, name: CONNECTION })));
  const child = startNode(name, 'dist/run.js', ['--import', collect], { PERMISSION_OPTIONS: options });
  child.stdout?.resume();
  const [message] = await once(child, 'message');
  await once(child, 'close');
  return message as { readonly permissions: readonly NatsPermissions[]; readonly declared: Declared };
}

const PARTS = ['logger', 'user-manager', 'session-manager', 'simulator'] as const;

/** What of examples/telerehab is needed here: it is a program and no library. */
interface Telerehab {
  readonly loadPart: (name: string) => Promise<ServiceClass>;
  readonly signalling: TopicFamily;
  readonly Tally: new () => { add(seen: object): void; readonly isWhole: boolean; summary(): string };
  readonly saysThatAllIsLost: (seen: object) => boolean;
}

/** examples/telerehab: four hosts in four processes, driven by its own simulator, judged by its own expectations. */
async function telerehab(): Promise<SystemUnderTest> {
  const files = ['run/parts.js', 'contracts/topics.js', 'run/tally.js', 'run/expectations.js'];
  const modules = await Promise.all(files.map((file) => import(new URL(`telerehab/dist/${file}`, examples).href)));
  const { loadPart, signalling, Tally, saysThatAllIsLost } = Object.assign({}, ...modules) as Telerehab;
  const hosts = await Promise.all(
    PARTS.map(async (name): Promise<HostUnderTest> => {
      const service = await loadPart(name);
      // The rooms of sessions are listened to as they open.
      const subscribes = name === 'session-manager' ? [signalling] : [];
      return {
        name,
        declared: declaredBy([contractOf(service)]),
        comingAndGoing: subscribes.map(({ all }) => all.pattern),
        permissions: (namespace) => natsPermissions([service], { name, namespace, subscribes }),
      };
    }),
  );
  return {
    name: 'telerehab',
    hosts,
    start(url, namespace, userOf) {
      const children: ChildProcess[] = [];
      const tally = new Tally();
      let isKilled = false;
      let isOver = () => {};
      const over = new Promise<void>((resolve) => {
        isOver = resolve;
      });
      /** Resolves when its service takes messages; when it ends, all is over. */
      const begin = (host: HostUnderTest) => {
        const args = [host.name, JSON.stringify({ play: 'once', pauseMs: 0 })];
        const env = environmentOf(url, namespace, userOf(host));
        const child = startNode('telerehab', 'dist/run/part-process.js', [], env, args);
        children.push(child);
        child.once('exit', isOver);
        return new Promise<void>((resolve) => {
          void over.then(resolve);
          child.on('message', (message: { readonly kind: string }) => {
            if (message.kind === 'ready') return resolve();
            tally.add(message);
            if (tally.isWhole || saysThatAllIsLost(message)) isOver();
          });
        });
      };
      const play = async () => {
        // The simulator comes last: it begins to play at once.
        await Promise.all(hosts.filter(({ name }) => name !== 'simulator').map(begin));
        if (!isKilled) await Promise.all(hosts.filter(({ name }) => name === 'simulator').map(begin));
        await over;
        return tally.isWhole ? undefined : tally.summary();
      };
      return {
        outcome: play(),
        kill: async () => {
          isKilled = true;
          await Promise.all(children.map(killed));
        },
      };
    },
  };
}

const environmentOf = (url: string, namespace: string, user: string) => ({
  NATS_URL: url,
  TERABUS_NAMESPACE: namespace,
  TERABUS_NATS_USER: user,
  TERABUS_NATS_PASSWORD: OPERATOR.password,
});

function startNode(
  example: string,
  file: string,
  execArgv: readonly string[],
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): ChildProcess {
  const { NATS_URL: _, ...inherited } = process.env;
  return fork(fileURLToPath(new URL(`${example}/${file}`, examples)), args, {
    execArgv: [...execArgv],
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
