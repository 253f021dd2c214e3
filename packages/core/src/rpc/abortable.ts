/**
 * Waits for what `begin` begins until one of the signals aborts; then what `begin` returned is called, and the wait
 * ends with the error of that signal. `begin` settles nothing before it has returned.
 */
export function abortable<T>(
  signals: readonly (AbortSignal | undefined)[],
  errorOf: (signal: AbortSignal) => Error,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  const live = signals.filter((signal) => signal !== undefined);
  return new Promise((resolve, reject) => {
    const aborted = live.find((signal) => signal.aborted);
    if (aborted !== undefined) {
      reject(errorOf(aborted));
      return;
    }
    const forget = () => {
      for (const signal of live) signal.removeEventListener('abort', onAbort);
    };
    const stop = begin(
      (value) => {
        forget();
        resolve(value);
      },
      (error) => {
        forget();
        reject(error);
      },
    );
    const onAbort = (event: Event) => {
      forget();
      stop();
      reject(errorOf(event.target as AbortSignal));
    };
    for (const signal of live) signal.addEventListener('abort', onAbort, { once: true });
  });
}
