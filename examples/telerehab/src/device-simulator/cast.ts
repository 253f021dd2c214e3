import type { Entry } from '../directory/directory.js';
import type { Creator } from '../session-manager/session-store.js';

/** A therapist, a patient at home, and two devices: enough for every kind of message. */
export const cast = {
  ana: { kind: 'user', uuid: '11111111-1111-4111-8111-111111111111', name: 'Ana Roy' },
  ben: {
    kind: 'participant',
    uuid: '22222222-2222-4222-8222-222222222222',
    name: 'Ben Ito',
    project: 'Balance at home',
    site: 'Sherbrooke',
  },
  tablet: { kind: 'device', uuid: '33333333-3333-4333-8333-333333333333', name: 'Tablet' },
  bike: { kind: 'device', uuid: '44444444-4444-4444-8444-444444444444', name: 'Exercise bike' },
} as const satisfies Record<string, Entry>;

export type Role = keyof typeof cast;
export const entries: readonly Entry[] = Object.values(cast);

/** Who may create sessions, by the id of the row. */
export const creators: readonly (Creator & { readonly id: number })[] = [{ id: 1, ...cast.ana }];
