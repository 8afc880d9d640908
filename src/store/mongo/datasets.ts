import { MaxKey, MinKey, MongoServerError, type Document } from 'mongodb';
import type { DatasetDocument, DatasetStore } from '../datasetStore.ts';
import type { Collections, DatasetItemRecord, DatasetRecord } from './collections.ts';
import { duplicateKey, insertUnordered } from './insertUnordered.ts';

/** Items looked up together. */
const atATime = 5_000;

/** Datasets; see DatasetStore. What users give is kept as JSON text: its keys may be any. */
export function createDatasetStore(collections: Collections): DatasetStore {
  const { db, jobs, datasets, datasetEntries, datasetItems } = collections;

  /** Inserts what is new; resolves to the places of what was there already. */
  const insertNew = async (
    collection: string,
    records: readonly Document[],
  ): Promise<ReadonlySet<number>> => {
    if (records.length === 0) return new Set();
    const errors = await insertUnordered(db, collection, records);
    const other = errors.find(({ code }) => code !== duplicateKey);
    if (other) throw new MongoServerError({ message: other.errmsg, code: other.code });
    return new Set(errors.map(({ index }) => index));
  };

  return {
    async addDataset({ name, specifications, ...rest }) {
      const record = { _id: name, specifications: toTexts(specifications), ...rest };
      return (await insertNew(datasets.collectionName, [record])).size === 0;
    },

    async getDataset(name) {
      const record = await datasets.findOne({ _id: { $eq: name } });
      return record && toDataset(record);
    },

    async listDatasets({ limit, after }) {
      const filter = after === undefined ? {} : { _id: { $gt: after } };
      const records = await datasets.find(filter).sort({ _id: 1 }).limit(limit).toArray();
      return records.map(toDataset);
    },

    async addSpecifications(dataset, specifications, now) {
      const added: string[] = [];
      for (const specification of toTexts(specifications)) {
        const { modifiedCount } = await datasets.updateOne(
          { _id: { $eq: dataset }, 'specifications.name': { $ne: specification.name } },
          { $push: { specifications: specification }, $set: { updatedAt: now } },
        );
        if (modifiedCount > 0) added.push(specification.name);
      }
      return added;
    },

    async addEntries(dataset, entries) {
      const records = entries.map(({ name, data }) => ({
        _id: { dataset, name },
        data: JSON.stringify(data),
      }));
      const known = await insertNew(datasetEntries.collectionName, records);
      return entries.filter((_entry, index) => !known.has(index)).map(({ name }) => name);
    },

    async listEntries(dataset, { limit, after, names }) {
      const records = await datasetEntries
        .find({
          '_id.dataset': dataset,
          _id: within(dataset, after !== undefined && { name: after }),
          ...(names && { $and: [{ _id: { $in: names.map((name) => ({ dataset, name })) } }] }),
        })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
      return records.map(({ _id, data }) => ({ name: _id.name, data: toData(data) }));
    },

    countEntries: (dataset) =>
      datasetEntries.countDocuments({ '_id.dataset': dataset, _id: within(dataset) }),

    async addItems(dataset, items) {
      const records = items.map(({ entry, specification, job }) => ({
        _id: { dataset, specification, entry },
        job,
      }));
      const known = await insertNew(datasetItems.collectionName, records);
      return items.length - known.size;
    },

    async listItems(dataset, { limit, after, entries, specifications }) {
      const beyond = after && { specification: after.specification, entry: after.entry };
      const records = await datasetItems
        .find({
          '_id.dataset': dataset,
          _id: within(dataset, beyond),
          ...(entries && { '_id.entry': { $in: entries } }),
          ...(specifications && { '_id.specification': { $in: specifications } }),
        })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
      return records.map(({ _id: { entry, specification }, job }) => ({
        entry,
        specification,
        job,
      }));
    },

    async countItems(dataset) {
      const counts = new Map<string, Record<string, number>>();
      const cursor = datasetItems.find({ '_id.dataset': dataset, _id: within(dataset) });
      let batch: DatasetItemRecord[] = [];
      // Joining them within the database takes several times as long.
      const add = async (): Promise<void> => {
        const ids = batch.map(({ job }) => job);
        const found = await jobs
          .find({ _id: { $in: ids } }, { projection: { state: 1 } })
          .toArray();
        const stateOf = new Map(found.map(({ _id, state }) => [_id, state]));
        for (const { _id, job } of batch) {
          const states = counts.get(_id.specification) ?? {};
          const state = stateOf.get(job) ?? '';
          states[state] = (states[state] ?? 0) + 1;
          counts.set(_id.specification, states);
        }
        batch = [];
      };
      for await (const record of cursor) {
        batch.push(record);
        if (batch.length === atATime) await add();
      }
      if (batch.length > 0) await add();
      return Object.fromEntries(counts);
    },

    async inDatasets(ids) {
      const filter = { job: { $in: ids } };
      const found = datasetItems.find(filter, { projection: { _id: 0, job: 1 } });
      return new Set((await found.toArray()).map(({ job }) => job));
    },

    async removeItems(dataset, items) {
      const ids = items.map(({ entry, specification }) => ({ dataset, specification, entry }));
      const { deletedCount } = await datasetItems.deleteMany({ _id: { $in: ids } });
      return deletedCount;
    },

    async removeDataset(dataset) {
      // Itself last: what a crash leaves can be removed again.
      const all = { '_id.dataset': dataset, _id: within(dataset) };
      await datasetItems.deleteMany(all);
      await datasetEntries.deleteMany(all);
      const { deletedCount } = await datasets.deleteOne({ _id: { $eq: dataset } });
      return deletedCount > 0;
    },
  };
}

/** All ids of a dataset, or those after one: ids are compared field by field. */
const within = (dataset: string, after?: Readonly<Record<string, string>> | false) =>
  ({
    $gt: after ? { dataset, ...after } : { dataset, first: new MinKey() },
    $lt: { dataset, last: new MaxKey() },
  }) as never;

const toTexts = (specifications: DatasetDocument['specifications']) =>
  Object.entries(specifications).map(([name, data]) => ({ name, data: JSON.stringify(data) }));

const toData = (text: string): Record<string, unknown> =>
  JSON.parse(text) as Record<string, unknown>;

function toDataset({ _id, specifications, ...rest }: DatasetRecord): DatasetDocument {
  const read = specifications.map(({ name, data }) => [name, toData(data)] as const);
  return { name: _id, ...rest, specifications: Object.fromEntries(read) };
}
