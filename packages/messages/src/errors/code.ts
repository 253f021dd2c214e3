/**
 * What kind of failure it is, in gRPC's words. They are stable on the wire, so that callers in any language can
 * decide by them. Each has one sentence, and says whether the same request may succeed when it is tried again.
 */
export const codes = {
  CANCELLED: { retryable: false, sentence: 'Whoever asked no longer wants the answer.' },
  UNKNOWN: { retryable: false, sentence: 'It failed, and nobody knows more.' },
  INVALID_ARGUMENT: { retryable: false, sentence: 'What was given is wrong, whatever the state of the system.' },
  DEADLINE_EXCEEDED: { retryable: true, sentence: 'The time ran out; it may still have happened.' },
  NOT_FOUND: { retryable: false, sentence: 'What was asked for does not exist.' },
  ALREADY_EXISTS: { retryable: false, sentence: 'What was to be made exists already.' },
  PERMISSION_DENIED: { retryable: false, sentence: 'Whoever asks is known and may not.' },
  RESOURCE_EXHAUSTED: { retryable: true, sentence: 'There is no room left: a queue, a quota or a disk is full.' },
  FAILED_PRECONDITION: { retryable: false, sentence: 'The system is in a state that must be changed first.' },
  ABORTED: { retryable: true, sentence: 'Something else got in between; read again, then try again.' },
  OUT_OF_RANGE: { retryable: false, sentence: 'It lies outside of what there is.' },
  UNIMPLEMENTED: { retryable: false, sentence: 'Nobody knows how to do that.' },
  INTERNAL: { retryable: false, sentence: 'Something that must never happen happened: a bug.' },
  UNAVAILABLE: { retryable: true, sentence: 'Nobody is there at the moment.' },
  DATA_LOSS: { retryable: false, sentence: 'Data is lost or damaged for good.' },
  UNAUTHENTICATED: { retryable: false, sentence: 'Whoever asks is not known.' },
} as const satisfies Record<string, { readonly retryable: boolean; readonly sentence: string }>;

/** One of gRPC's sixteen names of failure, as text: `'NOT_FOUND'`. */
export type Code = keyof typeof codes;

/** Whether a text is one of the sixteen codes. Names that every object has, such as `constructor`, are not. */
export function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(codes, value);
}
