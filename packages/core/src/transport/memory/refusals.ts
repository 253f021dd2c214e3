import { checkStorePattern, overlaps } from '../../topics/pattern.js';
import type { ConsumerPlan, StorePlan, StreamPlan } from '../store-plan.js';
import type { Difference } from '../streams.js';

/**
 * What a server would not make of a plan, whatever is there: with what it refuses in place of what it found.
 *
 * @throws BusError `TERABUS_PATTERN_INVALID`
 */
export function refusals({ streams }: StorePlan, there: StorePlan): Difference[] {
  const all = new Map([...streams, ...there.streams].map((stream) => [stream.name, stream]));
  return streams.flatMap((planned) => {
    const stream = all.get(planned.name) ?? planned;
    for (const pattern of planned.subjects) checkStorePattern(pattern);
    for (const { filter } of planned.consumers) checkStorePattern(filter);
    return [
      ...(stream === planned ? ofStream(planned, all.values()) : []),
      ...planned.consumers.flatMap((consumer) =>
        ofConsumer(consumer, stream, [...stream.consumers, ...planned.consumers]),
      ),
    ];
  });
}

function ofStream(stream: StreamPlan, all: Iterable<StreamPlan>): Difference[] {
  const { name, subjects, duplicateWindowMs, maxAgeMs } = stream;
  const where = `stream '${name}'`;
  const refused: Difference[] = [];
  for (const other of all) {
    if (other.name === name || !overlap(other.subjects, subjects)) continue;
    const found = `stream '${other.name}' with ${other.subjects.join(', ')}`;
    refused.push({ where, field: 'subjects', wanted: subjects, found });
  }
  if (maxAgeMs > 0 && duplicateWindowMs > maxAgeMs) {
    refused.push({ where, field: 'duplicateWindowMs', wanted: duplicateWindowMs, found: `maxAgeMs ${maxAgeMs}` });
  }
  return refused;
}

function ofConsumer(consumer: ConsumerPlan, stream: StreamPlan, all: readonly ConsumerPlan[]): Difference[] {
  const { name, filter, start } = consumer;
  const where = `consumer '${name}' of stream '${stream.name}'`;
  const refused: Difference[] = [];
  if (!overlap([filter], stream.subjects)) {
    refused.push({ where, field: 'filter', wanted: filter, found: `a stream of ${stream.subjects.join(', ')}` });
  }
  if (stream.retention !== 'workqueue') return refused;
  if (start !== 'all') refused.push({ where, field: 'start', wanted: start, found: 'a work queue' });
  const other = all.find((each) => each.name !== name && overlap([each.filter], [filter]));
  if (other !== undefined) {
    const found = `consumer '${other.name}' with ${other.filter}, in a work queue`;
    refused.push({ where, field: 'filter', wanted: filter, found });
  }
  return refused;
}

const overlap = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((one) => others.some((other) => overlaps(one, other)));
