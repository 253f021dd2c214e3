import type { Interceptor, Observer, Outgoing } from '@terabus/core';
import { BusError } from '@terabus/core';
import type { JsonValue, Message } from '@terabus/messages';
import { toJson } from '@terabus/messages';
import type { Crossing, Report } from './sighting.js';

/**
 * Reports what leaves a host. This is how calls are watched: a subscription to the subject of calls would be taken
 * for somebody who answers them.
 */
export const watchCrossings =
  (report: Report): Interceptor =>
  (next) =>
  async (outgoing) => {
    const at = Date.now();
    try {
      const result = await next(outgoing);
      for (const crossing of crossingsOf(outgoing, at))
        report(outgoing.kind === 'call' ? { ...crossing, result: json(result), tookMs: Date.now() - at } : crossing);
      return result;
    } catch (error) {
      const { rawMessage } = BusError.from(error);
      for (const crossing of crossingsOf(outgoing, at)) report({ ...crossing, error: rawMessage });
      throw error;
    }
  };

/** Reports what the handlers of a host did. */
export const watchHandlings =
  (report: Report): Observer =>
  (event) => {
    if (event.kind === 'handled')
      report({ kind: 'handling', service: event.service, type: shortType(event.type), ...errorOf(event.error) });
    if (event.kind === 'bad-message')
      report({ kind: 'handling', service: event.service, type: 'bad message', ...errorOf(event.error) });
  };

const errorOf = (error: BusError | undefined) => (error === undefined ? {} : { error: error.rawMessage });

function crossingsOf(outgoing: Outgoing, at: number): Crossing[] {
  const common = { kind: 'crossing', at, from: outgoing.service } as const;
  if (outgoing.kind === 'call') {
    const { topic, name } = outgoing.method;
    return [{ ...common, how: 'call', topic, type: name, content: json(outgoing.args) }];
  }
  const { name: topic, definition } = outgoing.topic;
  const how = definition.wrapper === 'event' ? 'event' : definition.wrapper === 'module-message' ? 'message' : 'text';
  return outgoing.messages.map((message) =>
    typeof message === 'string'
      ? { ...common, how, topic, type: 'text', content: message }
      : {
          ...common,
          how,
          topic,
          type: shortType((message as Message).$type),
          content: toJson(message as Message) as JsonValue,
        },
  );
}

/** What schemas of calls let through is JSON, but for what is left out. */
const json = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value ?? null));

const shortType = (type: string): string => type.slice(type.lastIndexOf('.') + 1);
