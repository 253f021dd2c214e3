import type { Payload } from '../cases/case.js';
import { contents } from './content.js';

/** The argument of call number `n`, which the callee gives back: the number, and as much text as an event's status has. */
export function texts(payload: Payload): (n: number) => string {
  const { deviceStatus } = contents(payload)(0);
  return (n) => `${n} ${deviceStatus}`;
}

/** Throws unless an answer is what was asked for. */
export function checkAnswer(answer: unknown, asked: string): void {
  if (answer !== asked) throw new Error(`'${asked}' was answered by '${String(answer)}'`);
}
