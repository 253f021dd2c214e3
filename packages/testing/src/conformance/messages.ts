import type { Headers, Inbound, Outbound, Transport } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';
import { AssertionError } from 'chai';

/** A message with this text in it. */
export function message(topic: string, content = '', headers?: Record<string, string>): Outbound {
  return { topic, bytes: bytes(content), headers: headers && new Map(Object.entries(headers)) };
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function text(received: Inbound): string {
  return new TextDecoder().decode(received.bytes);
}

/** A request as a promise of its answer, or of the error that ended it. It waits for as long as the test may run. */
export function ask(transport: Transport, request: Outbound): Promise<Inbound | BusError> {
  return new Promise((resolve) => transport.request(request, resolve));
}

/** The text of an answer that has to come. */
export async function askText(transport: Transport, request: Outbound): Promise<string> {
  const answer = await ask(transport, request);
  if (BusError.is(answer)) throw answer;
  return text(answer);
}

/** Answers every request on a topic with what `answerTo` makes of it. */
export async function serve(
  transport: Transport,
  pattern: string,
  answerTo: (request: Inbound) => { content: string; headers?: Headers },
): Promise<void> {
  await transport.subscribe(pattern, {}, (request) => {
    const { content, headers } = answerTo(request);
    void transport.respond(replyTo(request), bytes(content), headers);
  });
}

/** Where a request wants its answer. */
export function replyTo(request: Inbound): string {
  if (request.replyTo === undefined) throw new AssertionError('the request does not say where its answer goes');
  return request.replyTo;
}

/** What a promise that has to reject rejects with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new AssertionError('it was expected to fail, and did not');
}
