import { BusError, type Code } from '@terabus/messages';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import { handlerError } from '../observe/reporter.js';
import type { AnyContext, Context } from './context.js';

/** How the work on one message ended. */
export type Outcome =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly thrown: unknown }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'cut-off'; readonly running: boolean };

/** Of every message that went well. */
export const SUCCEEDED: Outcome = Object.freeze({ kind: 'succeeded' });

/** What is settled: a message that was given to a handler. */
export interface Settled {
  readonly context: Context;
  readonly type: string;
  readonly message: unknown;
  readonly timeoutMs: number;
}

/** Those who are told. */
export interface Witnesses {
  readonly reporter: Reporter;
  readonly emit: (event: BusEvent) => void;
}

/**
 * The one place that decides what an outcome means for a message. On a core topic a message was delivered at most
 * once and is gone: a failure is counted and reported, and its neighbours never notice. (A durable topic is where
 * the same outcomes acknowledge, try again, or dead-letter.)
 *
 * @returns the error that the outcome stands for; a call is answered with it
 */
export function settle(
  outcome: Outcome,
  settled: Settled,
  durationMs: number,
  { reporter, emit }: Witnesses,
): BusError | undefined {
  const { context, type, message } = settled;
  const { service, handler, topic } = context;
  const error = outcome === SUCCEEDED ? undefined : errorOf(outcome, settled);
  if (error !== undefined) {
    const fields = { handler, topic, type, messageId: context.messageId };
    if (isAnswer(outcome, context)) reporter.note(error, fields);
    else reporter.report(handler, error, fields);
  }
  switch (outcome.kind) {
    case 'abandoned':
      emit({ kind: 'abandoned', service, topic, handler, type });
      break;
    case 'cut-off':
      break;
    default:
      emit({
        kind: 'handled',
        service,
        topic,
        handler,
        type,
        message,
        context: context as unknown as AnyContext,
        durationMs,
        error,
      });
  }
  return error;
}

/** The codes of failures that are nobody's fault but the caller's, or nobody's at all. */
const ANSWERS: ReadonlySet<Code> = new Set([
  'ABORTED',
  'ALREADY_EXISTS',
  'CANCELLED',
  'FAILED_PRECONDITION',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'OUT_OF_RANGE',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
]);

/** Whether a method said no, as «not found», which its caller is told: that is an answer, and no trouble here. */
function isAnswer(outcome: Outcome, { kind }: Context): boolean {
  return (
    kind === 'rpc' &&
    outcome.kind === 'failed' &&
    BusError.is(outcome.thrown) &&
    ANSWERS.has(BusError.from(outcome.thrown).code)
  );
}

function errorOf(outcome: Outcome, { context, type, timeoutMs }: Settled): BusError | undefined {
  const { service, handler, topic } = context;
  switch (outcome.kind) {
    case 'succeeded':
      return undefined;
    case 'failed':
      return handlerError({ service, handler, topic, type }, outcome.thrown);
    case 'timed-out':
      if (timeoutMs <= 0) {
        return new BusError(`${type} was not given to ${handler} of ${service}: its caller's time was over by then`, {
          reason: 'TERABUS_HANDLER_TIMEOUT',
        });
      }
      return new BusError(`${handler} of ${service} did not end within ${timeoutMs} ms on ${type} from '${topic}'`, {
        reason: 'TERABUS_HANDLER_TIMEOUT',
      });
    case 'abandoned':
      return new BusError(
        `${handler} of ${service} still runs long after its time on ${type} from '${topic}': its slot was given to the next message`,
        { reason: 'TERABUS_HANDLER_ABANDONED' },
      );
    case 'cut-off':
      return new BusError(
        outcome.running
          ? `${handler} of ${service} was cut off on ${type} from '${topic}': the time for the drain was over`
          : `${type} from '${topic}' was never given to ${handler} of ${service}: the time for the drain was over`,
        { reason: 'TERABUS_DRAINING' },
      );
  }
}
