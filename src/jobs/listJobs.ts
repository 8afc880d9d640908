import { z } from 'zod';
import { InvalidData } from '../errors.ts';
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
}

const text = z.string().max(1_024).optional();
const filterSchema = z.strictObject({ type: text, state: text, pipeline: text, tag: text });

/** A page of jobs, newest first; stable while jobs change, as none moves in this order. */
export async function listJobs(
  { store, registry, now }: Engine,
  filter: JobFilter,
  { limit = 50, cursor }: ListPage,
): Promise<{ jobs: JobView[]; next?: string }> {
  checkWhole('limit', limit, 1, 500);
  const parsed = filterSchema.safeParse(filter);
  if (!parsed.success) throw new InvalidData('filter', issuesOf(parsed.error, 'filter'));
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const documents = await store.listJobs(filter, { limit: limit + 1, ...(after && { after }) });
  const page = documents.slice(0, limit);
  const last = page.at(-1);
  const jobs = page.map((document) => {
    const json = canonicalJson(document.data);
    return viewJob(
      registry,
      fromJobDocument(registry, document, json.ok ? json.text : '{}'),
      now(),
    );
  });
  return { jobs, ...(last && documents.length > limit && { next: makeCursor(last) }) };
}

const makeCursor = ({ createdAt, id }: { createdAt: Date; id: string }): string =>
  Buffer.from(JSON.stringify([createdAt.getTime(), id])).toString('base64url');

const cursorSchema = z.tuple([z.number(), z.string().max(200)]);

function readCursor(cursor: unknown): { createdAt: Date; id: string } {
  try {
    const [time, id] = cursorSchema.parse(
      JSON.parse(Buffer.from(String(cursor), 'base64url').toString()),
    );
    return { createdAt: new Date(time), id };
  } catch {
    throw new InvalidData('cursor', [
      { path: 'cursor', message: 'take it from `next` of the page before' },
    ]);
  }
}
