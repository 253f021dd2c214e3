/**
 * What a transport promises beyond the core of the port. A case that needs what is not promised is pending in its
 * report, never passed: a case that is pending for every transport is a case that nobody runs.
 */
export interface Features {
  /** Subscriptions of one group share the messages. */
  readonly groups: boolean;
  /** Headers arrive as they were sent. */
  readonly headers: boolean;
  /** A request fails at once when nobody subscribes to its topic. */
  readonly noResponders: boolean;
  /** What is larger than `maxPayloadBytes` is refused; headers count with the bytes of their block on the wire. */
  readonly payloadLimit: boolean;
}
