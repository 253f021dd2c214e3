import type { Code } from './code.js';
import { codes, isCode } from './code.js';
import type { Reason } from './reasons.js';
import { isReason, reasons } from './reasons.js';

/** Found on every BusError of every copy of this package, so that `is` works across copies. */
const brand = Symbol.for('@terabus/messages/BusError');

/** What a BusError says beside its message. */
export type BusErrorOptions = BusErrorExtras &
  (
    | {
        /** One of Terabus' reasons; it implies the code. */
        readonly reason: Reason;
        /** Defaults to the reason's own code. */
        readonly code?: Code | undefined;
      }
    | {
        /** What kind of failure it is. */
        readonly code: Code;
        /** A stable word of your own for programs to decide by: `'DEVICE_IS_OFF'`. */
        readonly reason?: string | undefined;
      }
  );

interface BusErrorExtras {
  /** Values for programs and logs, such as `{ deviceUuid }`. They travel to the caller of a remote call as JSON. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** What led to it. It stays in this process: it never travels. */
  readonly cause?: unknown;
}

/** How a BusError looks in a log. */
export interface BusErrorJson {
  readonly name: 'BusError';
  readonly code: Code;
  readonly reason?: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: string;
}

/**
 * The one error class of Terabus. Programs decide by `code` (gRPC's names) and `reason` (a stable word), people
 * read the message; both begin the message, because developer tools typically show just that.
 *
 * ```ts
 * throw new BusError('no device has this UUID', { code: 'NOT_FOUND', details: { deviceUuid } });
 * ```
 */
export class BusError extends Error {
  override readonly name = 'BusError';
  /** What kind of failure it is. */
  readonly code: Code;
  /** Which failure it is: one of Terabus' reasons, or a word of the user's. */
  readonly reason: string | undefined;
  /** The message without the word in brackets in front of it: what travels to a caller. */
  readonly rawMessage: string;
  /** Values for programs and logs. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, options: BusErrorOptions) {
    const code = options.code ?? (isReason(options.reason) ? reasons[options.reason].code : 'UNKNOWN');
    super(`[${options.reason ?? code}] ${message}`, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.reason = options.reason;
    this.rawMessage = message;
    this.details = options.details;
    Object.defineProperty(this, brand, { value: true });
    // Until it is read for the first time, V8 keeps each `this` of the stack alive: an error kept by a log or a hook
    // would keep the message that it is about, with the 64 KiB that it arrived in.
    void this.stack;
  }

  /** Whether the same request may succeed when it is tried again. Derived from the code. */
  get retryable(): boolean {
    return codes[this.code].retryable;
  }

  /** For logs: everything but the stack, with the cause as text. */
  toJSON(): BusErrorJson {
    return {
      name: 'BusError',
      code: this.code,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      message: this.rawMessage,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.cause === undefined ? {} : { cause: describe(this.cause) }),
    };
  }

  /** Whether a value is a BusError, also one of another copy of this package. Never throws. */
  static is(value: unknown): value is BusError {
    return attempt(() => typeof value === 'object' && value !== null && Reflect.get(value, brand) === true, false);
  }

  /**
   * Whatever was thrown, as a BusError with the original as its cause: a BusError stays as it is, an abort is
   * CANCELLED, a timeout DEADLINE_EXCEEDED, everything else INTERNAL. Never throws, whatever it is given.
   */
  static from(thrown: unknown): BusError {
    if (BusError.is(thrown) && attempt(() => isWhole(thrown), false)) return thrown;
    return new BusError(describe(thrown), { code: codeOf(thrown), cause: thrown });
  }
}

/** The brand alone makes none: whoever reads its parts trusts in what they are. */
function isWhole({ code, message, rawMessage, reason }: BusError): boolean {
  const texts = [message, rawMessage, reason ?? ''];
  return isCode(code) && texts.every((text) => typeof text === 'string');
}

function codeOf(thrown: unknown): Code {
  const name = attempt(() => (thrown instanceof Error ? thrown.name : ''), '');
  if (name === 'AbortError') return 'CANCELLED';
  return name === 'TimeoutError' ? 'DEADLINE_EXCEEDED' : 'INTERNAL';
}

/** A thrown value as text. Getters, proxies and `toString` may be hostile, so that each step may fail. */
function describe(thrown: unknown): string {
  const message = attempt(() => (thrown instanceof Error ? thrown.message : undefined), undefined);
  if (typeof message === 'string') return message;
  return attempt(() => String(thrown), 'a value that cannot be shown');
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
