import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import { storedJsonLimits } from '../limits.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { JobFilter } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { viewJob, type JobView } from './jobView.ts';
import { fromJobDocument } from './liveJob.ts';
import { issuesOf } from './parseEvent.ts';
import { checkWhole } from './readHistory.ts';

export interface ListPage {
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
  /** By creation: the newest first (`-createdAt`, the default) or the oldest. */
  readonly sort?: Sort | undefined;
}

const sorts = ['-createdAt', 'createdAt'] as const;
type Sort = (typeof sorts)[number];

/** A page ends early where its jobs hold more data than this, in characters. */
const pageCharacters = 4 * 1024 * 1024;

const text = z.string().max(1_024).optional();
const schema = z.strictObject({
  type: text,
  state: text,
  pipeline: text,
  tag: text,
  q: text,
  sort: z.enum(sorts).optional(),
});

/** A page of jobs by creation; stable while jobs change, as none moves in this order. */
export async function listJobs(
  { store, registry, now, limits }: Engine,
  filter: JobFilter,
  { limit = 50, cursor, sort = '-createdAt' }: ListPage,
): Promise<{ jobs: JobView[]; next?: string }> {
  checkWhole('limit', limit, 1, limits.page);
  const parsed = schema.safeParse({ ...filter, sort });
  if (!parsed.success) throw new InvalidData('filter', issuesOf(parsed.error, 'filter'));
  const after = cursor === undefined ? undefined : readCursor(cursor, sort);
  const documents = await store.listJobs(filter, {
    limit: limit + 1,
    oldestFirst: sort === 'createdAt',
    ...(after && { after }),
  });
  const jobs: JobView[] = [];
  let characters = 0;
  for (const document of documents.slice(0, limit)) {
    const json = canonicalJson(document.data, storedJsonLimits);
    const data = json.ok ? json.text : '{}';
    characters += data.length;
    if (jobs.length > 0 && characters > pageCharacters) break;
    jobs.push(viewJob(registry, fromJobDocument(registry, document, data), now()));
  }
  const last = documents[jobs.length - 1];
  return { jobs, ...(last && documents.length > jobs.length && { next: makeCursor(last, sort) }) };
}

const makeCursor = ({ createdAt, id }: { createdAt: Date; id: string }, sort: Sort): string =>
  Buffer.from(JSON.stringify([sort, createdAt.getTime(), id])).toString('base64url');

const cursorSchema = z.tuple([z.enum(sorts), z.int().min(0).max(8e15), z.string().max(200)]);

function readCursor(cursor: unknown, sort: Sort): { createdAt: Date; id: string } {
  try {
    const [order, time, id] = cursorSchema.parse(
      JSON.parse(Buffer.from(String(cursor), 'base64url').toString()),
    );
    if (order === sort) return { createdAt: new Date(time), id };
  } catch {
    // Told below.
  }
  throw new InvalidData('cursor', [
    { path: 'cursor', message: 'take it from `next` of the page before, with the same sort' },
  ]);
}
