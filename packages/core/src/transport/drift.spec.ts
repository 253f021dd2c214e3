import { expect } from 'chai';
import { describe, it } from 'mocha';
import { compareStores, driftError } from './drift.js';
import type { BucketPlan, ConsumerPlan, StorePlan, StreamPlan } from './store-plan.js';

const CONSUMER: ConsumerPlan = { name: 'c', filter: 'a', ackWaitMs: 1, maxAckPending: 1, start: 'all' };
const STREAM: StreamPlan = {
  name: 's',
  subjects: ['a', 'b'],
  retention: 'limits',
  maxAgeMs: 1,
  maxMessages: 1,
  maxBytes: 1,
  maxMessagesPerSubject: 1,
  discard: 'new',
  duplicateWindowMs: 1,
  replicas: 1,
  republishTo: undefined,
  owned: true,
  consumers: [CONSUMER],
};
const BUCKET: BucketPlan = { name: 'b', ttlMs: 1, maxKeys: 1, replicas: 1 };
const PLAN: StorePlan = { streams: [STREAM], buckets: [BUCKET] };

/** The same with another value for each field, but for names and what is no setting. */
const OTHER: StorePlan = {
  streams: [
    {
      ...STREAM,
      ...{ subjects: ['a'], retention: 'workqueue', maxAgeMs: 2, maxMessages: 2, maxBytes: 2, discard: 'old' },
      ...{ maxMessagesPerSubject: 2, duplicateWindowMs: 2, replicas: 2, republishTo: '_LIVE' },
      consumers: [{ name: 'c', filter: 'b', ackWaitMs: 2, maxAckPending: 2, start: { sequence: 1 } }],
    },
  ],
  buckets: [{ name: 'b', ttlMs: 2, maxKeys: 2, replicas: 2 }],
};

const fieldsOf = (wanted: StorePlan, found: StorePlan) =>
  compareStores(wanted, found).map(({ where, field }) => `${where}: ${field}`);

describe('what is stored, compared with a plan', () => {
  it('has no differences where it is equal, whatever the order of subjects and whatever else there is', () => {
    const more = { ...STREAM, name: 'more' };
    const found = { streams: [more, { ...STREAM, subjects: ['b', 'a'] }], buckets: [BUCKET, { ...BUCKET, name: 'x' }] };
    expect(compareStores(PLAN, found)).to.deep.equal([]);
  });

  it('differs in every field that is a setting', () => {
    const fields = (of: object, ...others: string[]) =>
      Object.keys(of).filter((key) => !['name', ...others].includes(key));
    expect(fieldsOf(PLAN, OTHER)).to.deep.equal([
      ...fields(STREAM, 'owned', 'consumers').map((field) => `stream 's': ${field}`),
      ...fields(CONSUMER).map((field) => `consumer 'c' of stream 's': ${field}`),
      ...fields(BUCKET).map((field) => `bucket 'b': ${field}`),
    ]);
  });

  it('counts with its consumers alone where the stream is somebody else’s', () => {
    const wanted = { streams: [{ ...STREAM, owned: false }], buckets: [] };
    expect(fieldsOf(wanted, OTHER)).to.deep.equal(
      ['filter', 'ackWaitMs', 'maxAckPending', 'start'].map((field) => `consumer 'c' of stream 's': ${field}`),
    );
  });

  it('is told in a sentence, with what is missing, wanted and found', () => {
    const found = { streams: [{ ...STREAM, maxBytes: 2, republishTo: '_LIVE', consumers: [] }], buckets: [] };
    const error = driftError(compareStores(PLAN, found));
    expect(error.reason).to.equal('TERABUS_STORE_DRIFT');
    expect(error.rawMessage).to.equal(
      "what is stored is not as planned: maxBytes of stream 's' should be 1 and is 2; " +
        'republishTo of stream \'s\' should be nothing and is "_LIVE"; ' +
        "consumer 'c' of stream 's' is missing; bucket 'b' is missing",
    );
  });
});
