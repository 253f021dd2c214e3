// The only file that imports `nats`. What the client needs to be guarded against belongs here: it drops what is
// published while it is not connected, leaves requests and flushes hanging, buffers without limit, and tells of
// missing permissions only by status events (docs of the design: reliability 2.2 to 2.4). So far this file keeps
// exceptions out of its reader, and checks what it lets onto the wire.
import { readFileSync } from 'node:fs';
import type { Headers } from '@terabus/core/transport';
import { BusError, printable } from '@terabus/core/transport';
import type { Authenticator, ConnectionOptions, Msg, MsgHdrs, NatsConnection, Status, Subscription } from 'nats';
import { connect, credsAuthenticator, ErrorCode, Events, nkeyAuthenticator } from 'nats';
import { NO_HEADERS, toHeaders } from './headers.js';
import type { CheckedNatsOptions } from './options.js';
import type { NatsStatusListener } from './status.js';

/**
 * Pings find a dead link after at most 4.5 s: two are missed, the third time the connection is given up. The client's
 * own default takes 4 to 6 minutes.
 */
const PING_INTERVAL_MS = 1_500;
const MAX_PINGS_OUT = 2;

/** One attempt to reach one server. More would let a server that is gone for good keep the client from the next one. */
const DIAL_TIMEOUT_MS = 3_000;

/** Between two attempts at one server; at random, so that the clients of a restarted server don't come back at once. */
const SHORTEST_RECONNECT_WAIT_MS = 100;
const LONGEST_RECONNECT_WAIT_MS = 1_000;

/** Everything the wire takes as one subject: whitespace would start the next argument, a line break the next command. */
const ONE_WORD = /^[!-~]+$/;

/** A message as it came off the wire. */
export class RawMessage {
  constructor(private readonly message: Msg) {}

  get subject(): string {
    return this.message.subject;
  }

  get replyTo(): string | undefined {
    return this.message.reply || undefined;
  }

  /** A copy: the client hands out views, and each of them would keep a whole chunk of the socket (64 KiB) alive. */
  bytes(): Uint8Array {
    return new Uint8Array(this.message.data);
  }

  /**
   * The server's own answer that nobody subscribes to what was asked for.
   *
   * @throws BusError `TERABUS_MESSAGE_BAD`
   */
  noResponders(): boolean {
    return this.message.data.length === 0 && this.#headers()?.code === 503;
  }

  /** @throws BusError `TERABUS_MESSAGE_BAD`: the client parses headers when they are read, and may throw then */
  headers(): Headers {
    const headers = this.#headers();
    return headers === undefined ? NO_HEADERS : toHeaders(headers);
  }

  #headers(): (MsgHdrs & Iterable<[string, string[]]>) | undefined {
    try {
      return this.message.headers as (MsgHdrs & Iterable<[string, string[]]>) | undefined;
    } catch (cause) {
      throw new BusError(`the headers of a message on ${printable(this.subject)} can't be read`, {
        reason: 'TERABUS_MESSAGE_BAD',
        cause,
      });
    }
  }
}

/** A subscription of {@link NatsClient}. */
export interface RawSubscription {
  /** Ends it at the server, and resolves when all that the server had sent before was handed over. */
  drain(): Promise<void>;
}

/** What of a connection Terabus uses, with the client's errors translated. */
export class NatsClient {
  readonly #connection: NatsConnection;
  readonly #report: NatsStatusListener;
  #maxPayloadBytes: number;

  /** Resolves when the connection has ended and will not come back: with the reason, or undefined after `close`. */
  readonly closed: Promise<BusError | undefined>;

  private constructor(connection: NatsConnection, report: NatsStatusListener) {
    this.#connection = connection;
    this.#report = report;
    this.#maxPayloadBytes = connection.info?.max_payload ?? 0;
    this.closed = connection.closed().then((error) => (error ? translated(error) : undefined));
    void this.#followStatus();
  }

  /** Tries each server once. @throws BusError */
  static async connect(options: CheckedNatsOptions, report: NatsStatusListener): Promise<NatsClient> {
    try {
      return new NatsClient(await connect(connectionOptions(options)), report);
    } catch (error) {
      throw translated(error);
    }
  }

  /** The server's limit; while there is no server, that of the last one. */
  get maxPayloadBytes(): number {
    this.#maxPayloadBytes = this.#connection.info?.max_payload ?? this.#maxPayloadBytes;
    return this.#maxPayloadBytes;
  }

  /** Hands a message to the connection. @throws BusError */
  publish(subject: string, bytes: Uint8Array, headers?: Uint8Array, replyTo?: string): void {
    checkWords(subject, replyTo);
    try {
      this.#connection.publish(subject, bytes, {
        // All that the client does with headers is to encode them, which is done already.
        ...(headers && { headers: { encode: () => headers } as unknown as MsgHdrs }),
        ...(replyTo && { reply: replyTo }),
      });
    } catch (error) {
      throw translated(error);
    }
  }

  /**
   * Subscribes without waiting for the server. `deliver` may throw: that is reported. `fail` is called if the server
   * refuses the subscription.
   *
   * @throws BusError
   */
  subscribe(
    subject: string,
    queue: string | undefined,
    deliver: (message: RawMessage) => void,
    fail: (error: BusError) => void,
  ): RawSubscription {
    checkWords(subject, queue);
    // An exception that escapes from here into the client's reader would leave the connection open and deaf.
    const callback = (error: Error | null, message: Msg) => {
      try {
        if (error) fail(translated(error));
        else deliver(new RawMessage(message));
      } catch (thrown) {
        this.#report({ type: 'error', error: BusError.from(thrown) });
      }
    };
    try {
      const subscription = this.#connection.subscribe(subject, { callback, ...(queue && { queue }) });
      return { drain: () => this.#drain(subscription) };
    } catch (error) {
      throw translated(error);
    }
  }

  /** Resolves when the server has seen all that was sent before. @throws BusError when the link drops first */
  async flush(): Promise<void> {
    try {
      await this.#unlessClosed(this.#connection.flush());
    } catch (error) {
      throw translated(error);
    }
  }

  /** Disconnects at once. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #drain(subscription: Subscription): Promise<void> {
    // When the link is gone, nothing more is handed over either.
    await this.#unlessClosed(subscription.drain()).catch(() => {});
  }

  /** The client forgets about flushes when it is closed; who waits for one must not wait for ever. */
  #unlessClosed(flushed: Promise<void>): Promise<void> {
    const closed = this.closed.then((reason) => {
      throw reason ?? connectionClosed();
    });
    return Promise.race([flushed, closed]);
  }

  /** Each iterator of the client's statuses is a queue without limit: there is one, and it is always read. */
  async #followStatus(): Promise<void> {
    for await (const status of this.#connection.status()) {
      const server = `nats://${status.data}`;
      if (status.type === Events.Disconnect) this.#report({ type: 'disconnected', server });
      else if (status.type === Events.Reconnect) this.#report({ type: 'reconnected', server });
      else if (status.type === Events.LDM) this.#report({ type: 'lame-duck', server });
      else if (status.type === Events.Error) this.#report({ type: 'error', error: refusal(status) });
    }
  }
}

function connectionOptions(options: CheckedNatsOptions): ConnectionOptions {
  const { name, servers, connectTimeoutMs, tls } = options;
  const encrypted = tls !== undefined || servers.some((server) => server.tls);
  return {
    name,
    servers: servers.map(({ address }) => address),
    timeout: Math.min(connectTimeoutMs, DIAL_TIMEOUT_MS),
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () =>
      SHORTEST_RECONNECT_WAIT_MS + Math.random() * (LONGEST_RECONNECT_WAIT_MS - SHORTEST_RECONNECT_WAIT_MS),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    // A stack for each request that nobody reads.
    noAsyncTraces: true,
    ...(encrypted && { tls: Object.fromEntries(Object.entries(tls ?? {}).filter(([, file]) => file !== undefined)) }),
    ...credentials(options),
  };
}

function credentials({ servers, user, password, token, nkeySeed, credsFile }: CheckedNatsOptions): ConnectionOptions {
  if (user !== undefined) return { user, ...(password !== undefined && { pass: password }) };
  if (token !== undefined) return { token };
  if (nkeySeed !== undefined) return { authenticator: nkeyAuthenticator(new TextEncoder().encode(nkeySeed)) };
  if (credsFile !== undefined) return { authenticator: readingEachTime(credsFile) };
  const [first] = servers;
  if (first?.secret === undefined) return {};
  return first.user === undefined ? { token: first.secret } : { user: first.user, pass: first.secret };
}

function readingEachTime(credsFile: string): Authenticator {
  return credsAuthenticator(() => readFileSync(credsFile));
}

function checkWords(...words: (string | undefined)[]): void {
  for (const word of words) {
    if (word === undefined || ONE_WORD.test(word)) continue;
    throw new BusError(`${printable(word)} can't go on the wire`, { reason: 'TERABUS_SUBJECT_INVALID' });
  }
}

function connectionClosed(): BusError {
  return new BusError('the connection to NATS is closed', { reason: 'TERABUS_CLOSED' });
}

function refusal({ data, permissionContext }: Status): BusError {
  if (permissionContext) {
    const { operation, subject } = permissionContext;
    return new BusError(`the NATS server refuses this user the ${operation} on ${printable(subject)}`, {
      reason: 'TERABUS_NATS_FORBIDDEN',
    });
  }
  return translated(Object.assign(new Error(`the server said ${data}`), { code: data }));
}

/** The client's errors in our words. Their messages name addresses and subjects, never credentials. */
function translated(error: unknown): BusError {
  if (BusError.is(error)) return error;
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case ErrorCode.ConnectionClosed:
    case ErrorCode.ConnectionDraining:
      return connectionClosed();
    case ErrorCode.Disconnect:
      return new BusError('the link to the NATS server was lost', { reason: 'TERABUS_DISCONNECTED', cause: error });
    case ErrorCode.AuthorizationViolation:
    case ErrorCode.AuthenticationExpired:
    case ErrorCode.AuthenticationTimeout:
    case ErrorCode.AccountExpired:
    case ErrorCode.BadAuthentication:
    case ErrorCode.BadCreds:
      return new BusError(`the NATS server does not let this client in: ${message ?? code}`, {
        reason: 'TERABUS_NATS_UNAUTHENTICATED',
        cause: error,
      });
    case ErrorCode.PermissionsViolation:
      return new BusError(`the NATS server refuses this user: ${message ?? code}`, {
        reason: 'TERABUS_NATS_FORBIDDEN',
        cause: error,
      });
    default:
      return new BusError(`NATS: ${message || code || 'unknown error'}`, {
        reason: 'TERABUS_NATS_ERROR',
        cause: error,
      });
  }
}
