import type { Transport, TransportEvent } from '@terabus/core/transport';

/** What a link has told of itself, with the time of each event on the clock that processes share. */
export class LinkLog {
  readonly events: { readonly at: number; readonly event: TransportEvent }[] = [];

  constructor(transport: Transport, now: () => number) {
    transport.watch((event) => this.events.push({ at: now(), event }));
  }

  count(kind: TransportEvent['kind']): number {
    return this.events.filter(({ event }) => event.kind === kind).length;
  }
}
