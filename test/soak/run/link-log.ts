import type { Transport, TransportEvent } from '@terabus/core/transport';

/** How often a link has told what of itself. Nothing else is kept: what a million bad messages leave would have to be collected. */
export class LinkLog {
  readonly #counts = new Map<TransportEvent['kind'], number>();

  constructor(transport: Transport) {
    transport.watch(({ kind }) => this.#counts.set(kind, this.count(kind) + 1));
  }

  count(kind: TransportEvent['kind']): number {
    return this.#counts.get(kind) ?? 0;
  }
}
