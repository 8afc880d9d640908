import { MongoServerError } from 'mongodb';
import type { DocumentMatch, LinkedDocument, Pipeline } from '../store.ts';
import { checkCollection, checkDocument } from '../checkDocument.ts';
import { locationsOf, namesOf, pathsOf } from '../documentTexts.ts';
import type { Collections, DocumentRecord, PipelineRecord } from './collections.ts';
import { groupLookups } from './groupLookups.ts';
import { duplicateKey } from './insertUnordered.ts';

/** Pipelines, linked documents and claims of archive paths; see Store. */
export function createRegistries(collections: Collections, linkedCollections: readonly string[]) {
  const { pipelines, archives } = collections;
  const linked = (name: string) => {
    checkCollection(linkedCollections, name);
    return collections.linked(name);
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
      checkDocument(linkedCollections, name, document);
      const { id, ...rest } = document;
      const record = { ...rest, _paths: pathsOf(document) };
      // As a literal, so that a field named like an operator is a field.
      const stored = { $mergeObjects: [{ $literal: record }, { _id: id }] };
      await linked(name).updateOne({ _id: { $eq: id } }, [{ $replaceWith: stored }], {
        upsert: true,
      });
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

    findFiles: groupLookups((name, texts) =>
      find(name, ['_id', 'name', 'uri', '_paths'], locationsOf, texts),
    ),

    async claimArchive(path: string, job: string): Promise<string | null> {
      const rival = async () => {
        const overlapping = {
          $or: [{ _id: { $in: ancestors(path) } }, { _id: { $gte: `${path}/`, $lt: `${path}0` } }],
        };
        return archives.findOne({ ...overlapping, job: { $ne: job } });
      };
      for (;;) {
        const before = await rival();
        if (before) return before.job;
        // Where the path was taken in between we look again: its claim may have given way by now.
        const claim = { $setOnInsert: { job } };
        if (await unlessTaken(archives.updateOne({ _id: path, job }, claim, { upsert: true })))
          break;
      }
      // Two overlapping claims made at once see each other here, and at least one gives way.
      const after = await rival();
      if (after) await archives.deleteOne({ _id: path, job });
      return after ? after.job : null;
    },

    async archiveOwner(path: string): Promise<string | null> {
      return (await archives.findOne({ _id: { $eq: path } }))?.job ?? null;
    },

    async releaseArchive(path: string, job: string): Promise<void> {
      await archives.deleteOne({ _id: path, job });
    },
  };
}

const ancestors = (path: string): string[] => {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 2).join('/'));
};

/** Whether a write went through; false where its `_id` is taken. */
async function unlessTaken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === duplicateKey) return false;
    throw error;
  }
}

const toPipeline = ({ _id, ...rest }: PipelineRecord): Pipeline => ({ id: _id, ...rest });

function toLinkedDocument({ _id, _paths, ...rest }: DocumentRecord): LinkedDocument {
  return { id: _id, ...rest };
}
