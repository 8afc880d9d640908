import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { LinkedDocument, Pipeline } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { issuesOf } from './parseEvent.ts';

/** What jobs are runs of; a set-up must name a registered one where its machine wants that. */
export interface Pipelines {
  put(id: string, pipeline?: PipelineInput): Promise<Pipeline>;
  get(id: string): Promise<Pipeline | null>;
  list(): Promise<Pipeline[]>;
}

export interface PipelineInput {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Documents of the linked collections: what jobs belong to, read, and are linked from. */
export interface Documents {
  /** Replaces the document as a whole. Link fields are lists of ids. */
  put(
    collection: string,
    id: string,
    document?: Readonly<Record<string, unknown>>,
  ): Promise<LinkedDocument>;
  get(collection: string, id: string): Promise<LinkedDocument | null>;
}

/** An id that is one segment of an archive path as well. */
const pipelineId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, dots, _ and -, at most 128');
const pipelineSchema = z.strictObject({
  name: z.string().max(1_024).optional(),
  description: z.string().max(10_000).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
const documentLimits = { depth: 32, keys: 100_000, bytes: 4 * 1024 * 1024 };
const documentId = z.string().min(1).max(1_024);

export function createRegistries(engine: Pick<Engine, 'store' | 'now' | 'jsonLimits'>): {
  pipelines: Pipelines;
  documents: Documents;
} {
  const { store, now, jsonLimits } = engine;
  return {
    pipelines: {
      async put(id, input = {}) {
        const {
          name = id,
          description = '',
          metadata = {},
        } = check('pipeline', pipelineSchema, input);
        const json = canonicalJson(metadata, jsonLimits, 'metadata');
        if (!json.ok) throw new InvalidData('pipeline', json.issues);
        return store.putPipeline(
          {
            id: check('pipeline id', pipelineId, id),
            name,
            description,
            metadata: JSON.parse(json.text) as Pipeline['metadata'],
          },
          new Date(now()),
        );
      },
      get: (id) => store.getPipeline(id),
      list: () => store.listPipelines(),
    },
    documents: {
      async put(collection, id, document = {}) {
        const json = canonicalJson(document, documentLimits, 'document');
        if (!json.ok) throw new InvalidData('document', json.issues);
        // A copy: what the caller changes from here on is not stored.
        const copy = JSON.parse(json.text) as Record<string, unknown>;
        return store.putDocument(collection, { ...copy, id: check('document id', documentId, id) });
      },
      get: (collection, id) => store.getDocument(collection, id),
    },
  };
}

function check<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidData(what, issuesOf(result.error, what));
  return result.data;
}
