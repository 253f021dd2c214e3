/** The three kinds of those who take part, in the order in which OpenTera always names them. */
export const kinds = ['user', 'participant', 'device'] as const;
export type Kind = (typeof kinds)[number];

/** Somebody, or something, that takes part. */
export interface Member {
  readonly kind: Kind;
  readonly uuid: string;
}
