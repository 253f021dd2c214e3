/** What can be said on the command line. */
export interface RunArguments {
  readonly once: boolean;
  readonly memory: boolean;
  readonly help: boolean;
}

export const usage = `A small telerehabilitation system on Terabus, and everything that crosses its bus.

  npm start -- [--once] [--memory] [--help]

  --once    play one session, say what each service saw and whether it was what it should be, and end
  --memory  all services in one process, without NATS

Without --once it goes on until Ctrl-C. Each service runs in a process of its own, on the server of NATS_URL (in a
namespace of this run, or in that of TERABUS_NAMESPACE) or on a nats-server that ends with them.`;

const known = { '--once': 'once', '--memory': 'memory', '--help': 'help' } as const;

/** The arguments, or a sentence about the first that nobody knows. */
export function parseArguments(args: readonly string[]): RunArguments | string {
  const given = { once: false, memory: false, help: false };
  for (const arg of args) {
    if (!Object.hasOwn(known, arg))
      return `There is no argument ${JSON.stringify(arg)}: try --once, --memory or --help.`;
    given[known[arg as keyof typeof known]] = true;
  }
  return given;
}
