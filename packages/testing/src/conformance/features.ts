/**
 * What a transport promises beyond the core of the port. A case that needs what is not promised is not registered
 * there, and listed as not run: a case that is run over no transport fails the build (`conformanceCases`).
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
  /** Messages are stored: `Transport.streams`. Service cases then need `ServiceBus.provision`. */
  readonly streams: boolean;
}
