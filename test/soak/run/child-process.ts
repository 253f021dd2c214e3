/** What a child process of the soak offers to its parent, by name. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of functions of any kind
export type Methods = Readonly<Record<string, (argument: any) => unknown>>;

/** What parent and child send each other. */
export interface Question {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string | undefined;
}

/** Answers the parent's questions with these functions. The process ends when its parent does. */
export function serve(methods: Methods): void {
  const tell = (answer: Answer) => process.send?.(answer);
  process.on('message', async ({ id, method, argument }: Question) => {
    try {
      tell({ id, result: await methods[method]?.(argument) });
    } catch (error) {
      tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  tell({ id: 0 });
}
