import type { JsonObject, JsonValue } from '@terabus/messages';
import { withNames } from './names.js';
import type { Crossing } from './sighting.js';

/** What people want to know of a message or call, in half a line. */
export function essence(crossing: Crossing): string {
  const { how, content, result, error, tookMs } = crossing;
  if (how === 'text') return `${content}`;
  if (how !== 'call') return withNames(ofMessage(content as JsonObject)) + (error ? ` ✗ ${error}` : '');
  const asked = (content as JsonValue[]).map(ofArgument).join(' ');
  const answered = error === undefined ? `= ${ofResult(result ?? null)} (${tookMs} ms)` : `✗ ${error}`;
  return withNames([asked, answered].filter(Boolean).join(' '));
}

/** The words of a message, without those that every line of its kind repeats. */
function ofMessage(message: JsonObject): string {
  return Object.entries(message)
    .filter(([field]) => !dull.has(field))
    .map(([field, value]) => ofField(field, value))
    .filter(Boolean)
    .join(', ');
}

const dull = new Set([
  'sessionUrl',
  'sessionCreatorName',
  'joinMsg',
  'sessionParameters',
  'serviceUuid',
  'userFullname',
  'participantName',
  'participantProjectName',
  'participantSiteName',
  'deviceName',
  'objectType',
]);

function ofField(field: string, value: JsonValue): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object' && value !== null) return ofMessage(value as JsonObject);
  if (field === 'sessionUuid') return `session ${value}`;
  return `${value}`.replace(/^(USER|PARTICIPANT|DEVICE|LOGLEVEL|REPLY|LOGIN_STATUS|LOGIN_TYPE|CMD|DB)_/, '');
}

function ofArgument(argument: JsonValue): string {
  const request = (argument as { session_manage?: { action?: string; parameters?: JsonValue } } | null)?.session_manage;
  if (request === undefined) return typeof argument === 'string' ? argument : JSON.stringify(argument);
  const { action, ...details } = request;
  const people = Object.entries(details).filter(([name]) => /^session_|^parameters$/.test(name));
  return `${action} ${people.map(([, value]) => listed(value as JsonValue)).join(', ')}`.trim();
}

const listed = (value: JsonValue): string =>
  Array.isArray(value) ? value.join(', ') : Object.values(value as JsonObject).join(' ');

function ofResult(result: JsonValue): string {
  if (result === null) return 'null';
  const { status, error_text: text } = result as { status?: JsonValue; error_text?: JsonValue };
  return text !== undefined ? `${status}: ${text}` : status !== undefined ? `${status}` : JSON.stringify(result);
}
