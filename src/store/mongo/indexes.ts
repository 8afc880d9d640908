import { linkFields } from '../store.ts';
import type { Collections } from './collections.ts';

/** How long a finished effect is remembered, so that a repair never runs it again. */
const doneEffectSeconds = 7 * 24 * 3600;

/** How long the mark of a process that is gone is kept, so that none of its commits is counted twice. */
const goneMarkSeconds = 30 * 24 * 3600;

/** Makes every index the store relies on; what is there already stays as it is. */
export async function createIndexes(
  collections: Collections,
  linkedCollections: readonly string[],
): Promise<void> {
  const { commits, jobs, effects, counts } = collections;
  await Promise.all([
    commits.createIndexes([
      {
        name: 'idempotency',
        key: { '_id.job': 1, keys: 1 },
        unique: true,
        partialFilterExpression: { keys: { $exists: true } },
      },
      { name: 'repair', key: { process: 1, at: 1 } },
    ]),
    jobs.createIndexes([
      { name: 'newest', key: { createdAt: -1, _id: -1 } },
      { name: 'state', key: { type: 1, states: 1, createdAt: -1, _id: -1 } },
      { name: 'wake', key: { wakeAt: 1 }, partialFilterExpression: { wakeAt: { $exists: true } } },
      { name: 'links', key: { linkedIds: 1 }, sparse: true },
      {
        name: 'queue',
        key: {
          'queue.lane': 1,
          'queue.priority': -1,
          'queue.since': 1,
          _id: 1,
          'queue.readyAt': 1,
        },
        partialFilterExpression: { 'queue.lane': { $exists: true } },
      },
      {
        name: 'held',
        key: { 'lease.worker': 1, 'lease.since': 1 },
        partialFilterExpression: { 'lease.worker': { $exists: true } },
      },
      {
        name: 'children',
        key: { 'links.child_of': 1, type: 1, state: 1, _id: 1 },
        partialFilterExpression: { 'links.child_of': { $exists: true } },
      },
    ]),
    effects.createIndexes([
      { name: 'due', key: { status: 1, dueAt: 1 } },
      { name: 'order', key: { job: 1, seq: 1, index: 1 } },
      { name: 'forget', key: { doneAt: 1 }, expireAfterSeconds: doneEffectSeconds },
    ]),
    counts.createIndexes([
      { name: 'open', key: { isOpen: 1 }, sparse: true },
      { name: 'gone', key: { goneAt: 1 }, expireAfterSeconds: goneMarkSeconds },
    ]),
    collections.workers.createIndexes([{ name: 'silent', key: { status: 1, deadline: 1 } }]),
    collections.looseOutputs.createIndexes([{ name: 'oldest', key: { storedAt: 1 } }]),
    collections.datasetItems.createIndexes([{ name: 'job', key: { job: 1 } }]),
    ...linkedCollections.map((name) =>
      collections.linked(name).createIndexes([
        { name: 'name', key: { name: 1 }, sparse: true },
        { name: 'uri', key: { uri: 1 }, sparse: true },
        { name: 'paths', key: { _paths: 1 }, sparse: true },
        {
          name: 'links',
          key: { '$**': 1 },
          wildcardProjection: Object.fromEntries(linkFields.map((field) => [field, 1])),
        },
      ]),
    ),
  ]);
}
