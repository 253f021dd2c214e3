/** The message ids that a stream knows: whatever came with one of them again within the window is a duplicate. */
export class MessageIds {
  readonly #known = new Map<string, { readonly sequence: number; readonly elapsedMs: number }>();
  #prunedMs = 0;

  /** The number of the message that came with an id first. */
  get(id: string, elapsedMs: number, windowMs: number): number | undefined {
    this.#prune(elapsedMs, windowMs);
    const known = this.#known.get(id);
    return known !== undefined && elapsedMs - known.elapsedMs < windowMs ? known.sequence : undefined;
  }

  add(id: string, sequence: number, elapsedMs: number): void {
    this.#known.set(id, { sequence, elapsedMs });
  }

  /** Once in a window: so few looks cost nothing, and what is kept is bounded all the same. */
  #prune(elapsedMs: number, windowMs: number): void {
    if (elapsedMs - this.#prunedMs < windowMs) return;
    this.#prunedMs = elapsedMs;
    for (const [id, known] of this.#known) if (elapsedMs - known.elapsedMs >= windowMs) this.#known.delete(id);
  }
}
