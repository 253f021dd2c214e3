import { permissionRound } from '../../integration/permissions/round.js';
import { serverWith } from '../../integration/permissions/server.js';
import { letThrough, strangersTo, strangeSubjects } from '../../integration/permissions/strangers.js';
import { examplesUnderTest, namespaceOf, type SystemUnderTest } from '../../integration/permissions/systems.js';
import { atLeast, count, defineFigure, type Soak } from '../run/figure.js';
import { INBOX_EARS, snoop } from './snooping.js';

interface Size {
  /** Which run under their own permissions, and then without each single grant. */
  readonly examples: readonly string[];
  readonly strangers: number;
  readonly answers: number;
}

const ALL = ['01-events', '02-rpc', '03-module-messages', '04-own-messages', '05-durable', 'telerehab'];
const OTHERS = 500;

/** The permissions that are generated for a host are enough, and none is superfluous. */
export const permissions = defineFigure<Size>({
  name: 'permissions',
  promise: 'generated permissions are all that a host needs, nothing more, and nobody hears the answers of others',
  sizes: {
    small: { examples: [], strangers: 0, answers: 300 },
    short: { examples: ALL, strangers: 700, answers: 10_000 },
    long: { examples: ALL, strangers: 700, answers: 100_000 },
  },
  async run({ examples, strangers, answers }, soak) {
    const all = examples.length > 0 ? await examplesUnderTest() : [];
    const systems = all.filter(({ name }) => examples.includes(name));
    const round = await permissionRound(systems);
    soak.progress(`${round.findings.length} grants taken away`);
    const others = await subjectsOfOthers(systems, strangers, soak);
    const snooped = await snoop(answers);
    const text = (value: number) => value.toLocaleString('en-US');
    return {
      did:
        `${systems.length} examples under their own permissions, ${round.findings.length} grants taken ` +
        `away one at a time, ${text(others.asked)} subjects of others, ${text(answers)} answers with a snooper`,
      checks: [
        count('examples and grants that were not as they should be', round.problems.length),
        ...(systems.length > 0 ? [atLeast('of them for each user and way', others.fewest, OTHERS)] : []),
        count('examples', systems.length, examples.length),
        count('subjects of others let through', others.let),
        count('answers', snooped.answered, answers),
        count('answers that the snooper heard', snooped.heard),
        count('its subscriptions that were let through', snooped.subscribed, INBOX_EARS),
        atLeast('answers to plain clients that it heard', snooped.heardOfPlain, 1),
      ],
      notes: round.problems,
    };
  },
});

async function subjectsOfOthers(systems: readonly SystemUnderTest[], strangers: number, { progress }: Soak) {
  const hosts = systems.flatMap(({ name, hosts: all }) =>
    all.map((host) => ({ host, user: `${name}-${host.name}`, granted: host.permissions(namespaceOf(0)) })),
  );
  const result = { asked: 0, let: 0, fewest: Number.POSITIVE_INFINITY };
  if (hosts.length === 0) return result;
  await using server = await serverWith(new Map(hosts.map(({ user, granted }) => [user, granted])));
  const subjects = strangeSubjects(
    hosts.map(({ granted }) => granted),
    strangers,
  );
  for (const { host, user } of hosts) {
    const theirs = strangersTo(host, namespaceOf(0), subjects);
    result.asked += theirs.publish.length + theirs.subscribe.length;
    result.fewest = Math.min(result.fewest, theirs.publish.length, theirs.subscribe.length);
    result.let += (await letThrough(server.port, user, theirs)).length;
  }
  progress(`${result.asked} subjects of others`);
  return result;
}
