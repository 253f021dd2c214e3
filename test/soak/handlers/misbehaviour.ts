// What handlers can do wrong. Each of these fails its own message and nothing else.

const throwing = (what: string) => () => {
  throw new Error(what);
};

/** Throws at whatever is done with it. */
const untouchable = () =>
  new Proxy(
    {},
    {
      get: throwing('get'),
      has: throwing('has'),
      ownKeys: throwing('ownKeys'),
      getPrototypeOf: throwing('getPrototypeOf'),
      getOwnPropertyDescriptor: throwing('getOwnPropertyDescriptor'),
    },
  );

function circular(): Error {
  const error = new Error('circular');
  error.cause = error;
  return Object.assign(error, { errors: [error] });
}

function badGetters(): Error {
  const error = new Error();
  for (const name of ['message', 'name', 'stack', 'cause', 'code', 'reason', 'toJSON', 'toString']) {
    Object.defineProperty(error, name, { get: throwing(name) });
  }
  return error;
}

/** Whatever can be thrown. */
const thrown: Readonly<Record<string, () => unknown>> = {
  error: () => new Error('as planned'),
  type: () => new TypeError('as planned'),
  undefined: () => undefined,
  null: () => null,
  zero: () => 0,
  nan: () => Number.NaN,
  text: () => 'text',
  'line breaks': () => new Error('one\r\n{"level":50,"msg":"forged"}\u001b[31m'),
  bigint: () => 10n,
  symbol: () => Symbol('thrown'),
  function: () => () => {},
  'null prototype': () => Object.create(null),
  frozen: () => Object.freeze({ message: 'frozen' }),
  large: () => new Error('x'.repeat(100_000)),
  circular,
  badGetters,
  untouchable,
  'revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};

const never = () => new Promise<never>(() => {});

const asynchronous: Readonly<Record<string, () => unknown>> = {
  'thenable that throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    then: throwing('then'),
  }),
  'thenable that rejects twice': () => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    then: (_: unknown, reject: (error: unknown) => void) => {
      reject(new Error('once'));
      reject(new Error('twice'));
    },
  }),
  'rejects with a rejection': async () => {
    const inner = Promise.reject(new Error('inner'));
    await inner;
  },
};

/** Hang for good: their slot is taken away from them. */
export const hanging: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  hangs: never,
  'hangs on a thenable': () => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    then: () => {},
  }),
  'hangs, deaf to its signal': async (signal) => {
    signal.addEventListener('abort', () => {});
    await never();
  },
};

/** End too late: after their time, or after their slot is gone. */
const late: Readonly<Record<string, (signal: AbortSignal) => unknown>> = {
  'rejects when it is aborted': (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  'rejects long after it was given up': async () => {
    await new Promise((resolve) => setTimeout(resolve, 250));
    throw new Error('late');
  },
};

/** All of them, by name. */
export const misbehaviours: ReadonlyMap<string, (signal: AbortSignal) => unknown> = new Map([
  ...Object.entries(thrown).flatMap(([name, make]): [string, () => unknown][] => [
    [
      `throws ${name}`,
      () => {
        throw make();
      },
    ],
    [
      `rejects with ${name}`,
      async () => {
        await undefined;
        throw make();
      },
    ],
  ]),
  ...Object.entries(asynchronous),
  ...Object.entries(hanging),
  ...Object.entries(late),
]);
