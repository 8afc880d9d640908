import { MongoServerError } from 'mongodb';
import { InvalidData, type DataIssue } from '../../errors.ts';
import { canonicalJson } from '../../machine/canonicalJson.ts';
import { linkFields, type DocumentMatch, type LinkedDocument, type Pipeline } from '../store.ts';
import { locationsOf, namesOf, pathsOf } from '../documentTexts.ts';
import type { Collections, DocumentRecord, PipelineRecord } from './collections.ts';

const documentLimits = { depth: 32, keys: 100_000, bytes: 4 * 1024 * 1024 };

/** Pipelines, linked documents and claims of archive paths; see Store. */
export function createRegistries(collections: Collections, linkedCollections: readonly string[]) {
  const { pipelines, archives } = collections;
  const linked = (name: string) => {
    if (linkedCollections.includes(name)) return collections.linked(name);
    const message = `unknown collection ${JSON.stringify(name.slice(0, 80))}; linked are: ${linkedCollections.join(', ')}`;
    throw new InvalidData('document', [{ path: 'collection', message }]);
  };

  const find = async (
    name: string,
    fields: readonly string[],
    textsOf: (document: LinkedDocument) => string[],
    texts: readonly string[],
  ): Promise<DocumentMatch[]> => {
    const filter = { $or: fields.map((field) => ({ [field]: { $in: texts } })) };
    const records = await linked(name).find(filter).toArray();
    return records.flatMap((record) =>
      textsOf({ ...record, id: record._id })
        .filter((text) => texts.includes(text))
        .map((text) => ({ collection: name, id: record._id, text })),
    );
  };

  return {
    async putPipeline(
      {
        id,
        name,
        description,
        metadata,
      }: Pick<Pipeline, 'id' | 'name' | 'description' | 'metadata'>,
      now: Date,
    ): Promise<Pipeline> {
      const record = await pipelines.findOneAndUpdate(
        { _id: { $eq: id } },
        { $set: { name, description, metadata, updatedAt: now }, $setOnInsert: { createdAt: now } },
        { upsert: true, returnDocument: 'after' },
      );
      if (!record) throw new Error(`pipeline ${id} was not stored`);
      return toPipeline(record);
    },

    async getPipeline(id: string): Promise<Pipeline | null> {
      const record = await pipelines.findOne({ _id: { $eq: id } });
      return record && toPipeline(record);
    },

    async listPipelines(): Promise<Pipeline[]> {
      return (await pipelines.find().sort({ _id: 1 }).toArray()).map(toPipeline);
    },

    async putDocument(name: string, document: LinkedDocument): Promise<LinkedDocument> {
      const collection = linked(name);
      checkDocument(document);
      const { id, ...rest } = document;
      const record = { ...rest, _paths: pathsOf(document) };
      await collection.replaceOne({ _id: { $eq: id } }, record, { upsert: true });
      return document;
    },

    async getDocument(name: string, id: string): Promise<LinkedDocument | null> {
      const record = await linked(name).findOne({ _id: { $eq: id } });
      return record && toLinkedDocument(record);
    },

    async findDocuments(
      names: readonly string[],
      texts: readonly string[],
    ): Promise<DocumentMatch[]> {
      return (
        await Promise.all(names.map((name) => find(name, ['_id', 'name'], namesOf, texts)))
      ).flat();
    },

    findFiles: (name: string, texts: readonly string[]): Promise<DocumentMatch[]> =>
      find(name, ['_id', 'name', 'uri', '_paths'], locationsOf, texts),

    async claimArchive(path: string, job: string): Promise<string | null> {
      const rival = async () => {
        const overlapping = {
          $or: [{ _id: { $in: ancestors(path) } }, { _id: { $gte: `${path}/`, $lt: `${path}0` } }],
        };
        return archives.findOne({ ...overlapping, job: { $ne: job } });
      };
      const before = await rival();
      if (before) return before.job;
      await archives
        .updateOne({ _id: path, job }, { $setOnInsert: { job } }, { upsert: true })
        .catch(ignoreDuplicate);
      // Two overlapping claims made at once see each other here, and at least one gives way.
      const after = await rival();
      if (after) await archives.deleteOne({ _id: path, job });
      return after ? after.job : null;
    },

    async releaseArchive(path: string, job: string): Promise<void> {
      await archives.deleteOne({ _id: path, job });
    },
  };
}

function checkDocument(document: LinkedDocument): void {
  const json = canonicalJson(document, documentLimits, 'document');
  if (!json.ok) throw new InvalidData('document', json.issues);
  const issues: DataIssue[] = linkFields
    .filter((field) => document[field] !== undefined && !isTextList(document[field]))
    .map((field) => ({ path: field, message: 'a list of ids' }));
  if (typeof document.id !== 'string' || document.id === '')
    issues.push({ path: 'id', message: 'a text' });
  for (const field of ['_id', '_paths']) {
    if (Object.hasOwn(document, field)) issues.push({ path: field, message: 'a reserved field' });
  }
  const operator = Object.keys(document).find((key) => key.startsWith('$') || key.includes('.'));
  if (operator !== undefined)
    issues.push({ path: operator, message: 'a field may not start with $ or hold a dot' });
  if (issues.length > 0) throw new InvalidData('document', issues);
}

const isTextList = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

const ancestors = (path: string): string[] => {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 2).join('/'));
};

const ignoreDuplicate = (error: unknown): void => {
  if (!(error instanceof MongoServerError) || error.code !== 11000) throw error as Error;
};

const toPipeline = ({ _id, ...rest }: PipelineRecord): Pipeline => ({ id: _id, ...rest });

function toLinkedDocument({ _id, _paths, ...rest }: DocumentRecord): LinkedDocument {
  return { id: _id, ...rest };
}
