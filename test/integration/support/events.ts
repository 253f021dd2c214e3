import type { Transport, TransportEvent } from '@terabus/core/transport';
import { expect } from 'chai';
import { eventually } from './eventually.js';

type Kind = TransportEvent['kind'];
type EventOf<K extends Kind> = TransportEvent & { kind: K };

/** Keeps what a transport tells of itself. */
export function watching(transport: Transport) {
  const events: TransportEvent[] = [];
  transport.watch((event) => events.push(event));
  const of = <K extends Kind>(kind: K) => events.filter((event): event is EventOf<K> => event.kind === kind);
  return {
    events,
    of,
    kinds: () => events.map(({ kind }) => kind),
    /** The first of a kind, when it is there. */
    async first<K extends Kind>(kind: K): Promise<EventOf<K>> {
      await eventually(() => void expect(events.map((event) => event.kind)).to.include(kind));
      return of(kind)[0] as EventOf<K>;
    },
  };
}
