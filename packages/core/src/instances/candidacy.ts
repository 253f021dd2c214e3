import { deferred } from '../service/deferred.js';
import type { Note } from './note.js';
import type { Talk } from './talk.js';

/**
 * Nobody seems to be active, and others may find so at the same time. Each candidate is subscribed to claims and news,
 * says so, and waits until the server has passed that on: of two at least one has heard of the other by then, that
 * whose word came later.
 */
export class Candidacy {
  readonly #rivals: Note[] = [];
  readonly #echo = deferred<void>();

  /** Takes note of news, its own included. */
  hear(note: Note, own: boolean): void {
    if (own) {
      if (note.is === 'candidate') this.#echo.resolve();
    } else if (note.is === 'candidate' || note.is === 'active' || note.is === 'handing-over') this.#rivals.push(note);
  }

  /** Who else is a candidate, or active. */
  async rivals(talk: Talk): Promise<readonly Note[]> {
    talk.say({ is: 'candidate' });
    await talk.flush();
    // Where a flush says less than on NATS: behind its own word is all that came before it.
    await talk.within(this.#echo.promise);
    return this.#rivals;
  }
}
