import type { LogEvent, LoginEvent } from '@terabus/messages';
import { LoginEvent_LoginStatus, LoginEvent_LoginType } from '@terabus/messages';
import { logLevels } from '../contracts/logging.contract.js';

const words = new Map<number, string>(Object.entries(logLevels).map(([word, level]) => [level, word.toUpperCase()]));

/** A line of the log as people read it. */
export function logLine({ level, sender, message }: LogEvent): string {
  return `${(words.get(level) ?? 'UNKNOWN').padEnd(8)} ${oneLine(sender)}: ${oneLine(message)}`;
}

/** A login as people read it: how it ended, by what, for whom, from where. */
export function loginLine(event: LoginEvent): string {
  const { loginType, loginStatus, clientName, clientIp } = event;
  const status = nameOf(LoginEvent_LoginStatus, loginStatus, 'LOGIN_STATUS_');
  const type = nameOf(LoginEvent_LoginType, loginType, 'LOGIN_TYPE_');
  const who = event.userUuid || event.participantUuid || event.deviceUuid || event.serviceUuid || 'somebody';
  const level = words.get(event.logHeader?.level ?? 0) ?? 'UNKNOWN';
  return `${level.padEnd(8)} login ${status} by ${type}: ${oneLine(who)} with ${oneLine(clientName)} from ${oneLine(clientIp)}`;
}

const nameOf = (names: Readonly<Record<string, unknown>>, value: number, prefix: string): string =>
  (Object.keys(names).find((name) => names[name] === value) ?? `${value}`).replace(prefix, '');

/** What others wrote must not move the cursor of a terminal. */
const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');
