import type { Filter } from 'mongodb';
import type { ChildCount, Relative, RelationStore } from '../relationStore.ts';
import type { Collections, JobRecord } from './collections.ts';

/** The index that leads from a job to its children, and to their states without reading them. */
const byParent = 'children';
const projection = { type: 1, state: 1, 'links.child_of': 1 } as const;

/** Parents and children; see RelationStore. */
export function createRelations({ jobs }: Pick<Collections, 'jobs'>): RelationStore {
  return {
    async readRelatives(ids) {
      const records = await jobs.find({ _id: { $in: ids } }, { projection }).toArray();
      return records.map(toRelative);
    },

    async *scanChildren(parents) {
      if (parents.length === 0) return;
      const filter = { 'links.child_of': { $in: parents } };
      const cursor = jobs.find(filter, { projection, hint: byParent, batchSize: 5_000 });
      for await (const record of cursor) yield toRelative(record);
    },

    async readChildren(parent, { limit, after }) {
      const filter: Filter<JobRecord> = {
        'links.child_of': { $eq: parent },
        ...(after !== undefined && { _id: { $gt: after } }),
      };
      // Their ids first, which the index tells: else all of them would be read to be sorted.
      const found = await jobs
        .find(filter, { projection: { _id: 1 }, hint: byParent })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
      const ids = found.map(({ _id }) => _id);
      const records = await jobs.find({ _id: { $in: ids } }, { projection }).toArray();
      return records.map(toRelative).sort((one, other) => (one.id < other.id ? -1 : 1));
    },

    async countChildren(parent) {
      const grouped = await jobs
        .aggregate<{ _id: Omit<ChildCount, 'children'>; children: number }>(
          [
            { $match: { 'links.child_of': { $eq: parent } } },
            { $group: { _id: { type: '$type', state: '$state' }, children: { $sum: 1 } } },
          ],
          { hint: byParent },
        )
        .toArray();
      return grouped.map(({ _id, children }) => ({ ..._id, children }));
    },

    async hasChildOutside(parent, states) {
      const found = await Promise.all(
        Object.entries(states).map(([type, ends]) =>
          jobs.findOne(
            { 'links.child_of': { $eq: parent }, type: { $eq: type }, state: { $nin: ends } },
            { projection: { _id: 1 }, hint: byParent },
          ),
        ),
      );
      return found.some((record) => record !== null);
    },
  };
}

const toRelative = ({
  _id: id,
  type,
  state,
  links,
}: Pick<JobRecord, '_id' | 'type' | 'state' | 'links'>): Relative => ({
  id,
  type,
  state,
  parents: links?.child_of ?? [],
});
