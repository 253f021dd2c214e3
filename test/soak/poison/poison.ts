import { type DeadLetter, openDeadLetters } from '@terabus/core';
import { FailingDeadLetters } from '../../integration/support/failing-dead-letters.js';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure } from '../run/figure.js';
import { storedIn, unfinished } from '../run/stored.js';
import { until } from '../run/until.js';
import { isSame, type Job, newJob } from './letters.js';
import { handled, jobs, type Poison, plan, Works } from './service.js';
import type { WorkerMethods } from './worker-process.js';

/** Until health tells, and until all is settled but for what ends processes, which takes several deaths each. */
const HEALTH_MS = 15_000;
const SETTLE_MS = 20_000;
const SETTLE_EACH_MS = 15_000;

interface Size {
  readonly good: number;
  readonly poison: Readonly<Record<Poison, number>>;
  /** From outside, whatever it is doing. */
  readonly kills: number;
}

/** What can't be handled is given up exactly so, and nothing else is. */
export const poison = defineFigure<Size>({
  name: 'poison',
  promise: 'dead letters are exactly the messages that nobody can handle, as they were, and can be handled later',
  sizes: {
    small: { good: 80, poison: { undecodable: 4, misplaced: 3, throwing: 4, killing: 1 }, kills: 1 },
    short: { good: 1_900, poison: { undecodable: 35, misplaced: 30, throwing: 31, killing: 4 }, kills: 10 },
    long: { good: 9_000, poison: { undecodable: 350, misplaced: 320, throwing: 310, killing: 20 }, kills: 50 },
  },
  async run({ good, poison, kills }, { random, progress }) {
    const deadLetters = await FailingDeadLetters.start(plan);
    const { server, admin } = deadLetters;
    const all: Job[] = [];
    for (let n = 0; n < good; n++) all.push(newJob(`good-${n}`, undefined, random));
    for (const [kind, number] of Object.entries(poison) as [Poison, number][]) {
      for (let n = 0; n < number; n++) all.push(newJob(`${kind}-${n}`, kind, random));
    }
    const byName = new Map(all.map((job) => [job.name, job]));
    const bad = all.filter((job) => job.poison !== undefined).length;
    const patienceMs = SETTLE_MS + SETTLE_EACH_MS * poison.killing;
    const mendable = poison.throwing + poison.killing;

    const worker = new Worker(server.url);
    const notes: string[] = [];
    let unready = 0;
    const publish = async (part: readonly Job[]) => {
      for (const { name, bytes, headers } of part) {
        const message = { subject: jobs.pattern, stream: jobs.name, bytes, headers, messageId: name };
        // The server may be starting again.
        for (let stored = false; !stored; ) {
          stored = await admin.streams.store(message, 5_000).then(
            () => true,
            () => pause(50).then(() => false),
          );
        }
      }
    };
    /** Messages come, and the process is killed so many times meanwhile. */
    const endure = async (part: readonly Job[], times: number) => {
      const publishing = publish(part);
      for (let kill = 0; kill < times; kill++) {
        await pause(300 + random.below(1_500));
        worker.kill();
      }
      await publishing;
    };
    const becomesUnready = async (why: string) => {
      const isUnready = async () => {
        const health = await worker.health();
        return health?.ready === false && health.problems.some((text) => text.includes('could not handle is kept'));
      };
      if (await until(isUnready, HEALTH_MS)) unready += 1;
      else notes.push(`ready while the dead letters were ${why}`);
      progress(`dead letters are ${why}`);
    };
    /** Everything is handled or given up, as far as it goes. */
    const settled = async () => {
      const done = await until(async () => (await unfinished(admin, plan).catch(() => 1)) === 0, patienceMs);
      if (!done) notes.push(`not finished after ${patienceMs} ms: ${await unfinished(admin, plan)}`);
    };
    const letters = openDeadLetters({ transport: admin, contract: Works });
    try {
      const order = random.shuffled(all);
      const third = Math.ceil(order.length / 3);
      worker.run({ mended: false });
      await deadLetters.fill();
      await endure(order.slice(0, third), Math.floor(kills / 3));
      await becomesUnready('full');
      await deadLetters.empty();
      progress('room again');
      await deadLetters.forbid();
      await endure(order.slice(third, 2 * third), Math.floor(kills / 3));
      await becomesUnready('forbidden');
      await deadLetters.allow();
      await endure(order.slice(2 * third), kills - 2 * Math.floor(kills / 3));
      await settled();
      const ready = await until(async () => (await worker.health())?.ready === true, HEALTH_MS);

      const dead = await allOf(letters);
      const judged = judge(dead, byName, notes);
      progress(`${dead.length} dead letters, ${worker.deaths} deaths`);

      await worker.stop();
      worker.run({ mended: true });
      const replayed = await letters.replayAll();
      await settled();
      const back = judge(await allOf(letters), byName, notes);
      const done = await handledJobs(admin);
      const goodDone = all.filter((job) => job.poison === undefined && done.has(job.name)).length;
      const again = all.filter((job) => job.poison !== undefined && done.has(`${job.name} again`)).length;
      return {
        did:
          `${bad} poison (${Object.entries(poison)
            .map(([kind, number]) => `${number} ${kind}`)
            .join(', ')}) in ` +
          `${all.length.toLocaleString('en-US')}; the process died ${worker.deaths} times, the dead letters were full ` +
          'and then forbidden',
        checks: [
          count('dead letters', dead.length, bad),
          count('of the poison', judged.poison, bad),
          count('good ones among them', judged.good),
          count('not as they were', judged.changed),
          count('good ones handled', goodDone, good),
          count('told as unready meanwhile', unready, 2),
          count('ready afterwards', Number(ready), 1),
          count('replayed', replayed, bad),
          count('handled after the handler was mended', again, mendable),
          count('of the others, back as dead letters', back.poison, bad - mendable),
          count('of these not as they were', back.changed),
          atLeast('deaths', worker.deaths, kills + poison.killing),
        ],
        notes: notes.slice(0, 20),
      };
    } finally {
      await worker.stop();
      await deadLetters.stop();
    }
  },
});

/** A process that is started again whenever it has ended. */
class Worker {
  deaths = 0;
  readonly #url: string;
  #child: Child<WorkerMethods> | undefined;
  #stopped = true;
  #running: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  run(options: { readonly mended: boolean }): void {
    this.#stopped = false;
    this.#running = this.#run(options);
  }

  /** Undefined while it starts. */
  async health() {
    return this.#child?.call('health').catch(() => undefined);
  }

  kill(): void {
    this.#child?.signal('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.kill();
    await this.#running;
  }

  async #run({ mended }: { readonly mended: boolean }): Promise<void> {
    while (!this.#stopped) {
      const child = await Child.start<WorkerMethods>(new URL('./worker-process.js', import.meta.url));
      try {
        await child.call('start', { url: this.#url, mended });
        this.#child = child;
        if (this.#stopped) this.kill();
        await child.ended;
      } catch {
        // It ended while it started, or could not: the next one may.
        await child.kill();
      }
      this.#child = undefined;
      if (!this.#stopped) this.deaths += 1;
    }
  }
}

async function allOf(letters: ReturnType<typeof openDeadLetters>): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let fromId: number | undefined = 1; fromId !== undefined; ) {
    const page = await letters.list({ fromId, limit: 1_000 });
    found.push(...page.letters);
    fromId = page.nextId;
  }
  return found;
}

/** How many different jobs of each kind are among dead letters, and how many letters are not what was published. */
function judge(letters: readonly DeadLetter[], byName: ReadonlyMap<string, Job>, notes: string[]) {
  const names = { poison: new Set<string>(), good: new Set<string>() };
  let changed = 0;
  for (const letter of letters) {
    const job = byName.get(letter.headers.get('Job') ?? '');
    if (job === undefined || !isSame(job, letter.bytes, letter.headers)) {
      changed += 1;
      notes.push(`not as it was: ${job?.name} ${JSON.stringify([...letter.headers])}`);
    }
    if (job === undefined) continue;
    if (job.poison !== undefined) names.poison.add(job.name);
    else {
      names.good.add(job.name);
      notes.push(`${job.name}: ${letter.reason} ${letter.text}`);
    }
  }
  return { poison: names.poison.size, good: names.good.size, changed };
}

async function handledJobs(admin: FailingDeadLetters['admin']): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const { bytes } of storedIn(admin, handled.name)) names.add(Buffer.from(bytes).toString());
  return names;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
