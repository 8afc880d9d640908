import { bulkRun, chunkSize } from '../../machines/bulkRun.ts';
import type { Engine } from '../jobs/engine.ts';
import { relativesOf } from '../records/relations.ts';
import type { JobFilter, Page } from '../store/store.ts';
import { isRestoring, type Asked } from './bulkRequest.ts';

/** Targets of one kind, at most `chunkSize` of them: what is done in one go. */
export type Chunk =
  | {
      readonly kind: 'requested';
      /** Index of the first one in the request. */
      readonly from: number;
      readonly ids: readonly string[];
      /** Places of what is no id, and of what was there before. */
      readonly malformed: readonly number[];
      readonly duplicate: readonly number[];
    }
  | { readonly kind: 'relatives'; readonly ids: readonly string[] };

/** All that an operation acts on, in the order in which it does. */
export interface Targets {
  readonly chunks: readonly Chunk[];
  readonly requested: number;
  readonly relatives: number;
  /** How many children were left out, as others have them too. */
  readonly sharedLeft: number;
}

/** Bytes of an id as JSON: a chunk of them fits into one entry. */
const idBytes = 202;

/** Whether a text may be the id of a job. */
const isId = (id: unknown): id is string =>
  typeof id === 'string' &&
  /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(id) &&
  Buffer.byteLength(JSON.stringify(id)) <= idBytes;

/** What is left of an id that is none, for its outcome. */
function shorten(id: unknown): string {
  const text = (typeof id === 'string' ? id : (JSON.stringify(id) ?? '')).toWellFormed();
  const most = text.slice(0, 200).toWellFormed();
  // A character may take six bytes.
  return Buffer.byteLength(JSON.stringify(most)) <= idBytes
    ? most
    : text.slice(0, 33).toWellFormed();
}

/**
 * Finds the targets of a request: its ids, or the jobs that match its filter and were there at `before`
 * (milliseconds since 1970), and the relatives that its scope reaches.
 */
export async function gatherTargets(
  engine: Engine,
  asked: Asked,
  before: number,
): Promise<Targets> {
  const given = asked.ids ?? (await matching(engine, asked.filter ?? {}, before));
  const seen = new Set<string>();
  const requested: Chunk[] = [];
  for (let from = 0; from < given.length; from += chunkSize) {
    requested.push(readChunk(given.slice(from, from + chunkSize), from, seen));
  }
  const { relatives, shared } = await relativesOf(engine, [...seen], { scope: asked.scope });
  const above = relatives.filter(({ side }) => side === 'above').map(({ id }) => id);
  const others = relatives.filter(({ side }) => side !== 'above').map(({ id }) => id);
  const chunks = isRestoring(asked.op)
    ? [...inChunks(others.reverse()), ...requested, ...inChunks(above.reverse())]
    : [...inChunks(above), ...requested, ...inChunks(others)];
  return {
    chunks,
    requested: given.length,
    relatives: relatives.length,
    sharedLeft: shared.length,
  };
}

function readChunk(given: readonly unknown[], from: number, seen: Set<string>): Chunk {
  const malformed: number[] = [];
  const duplicate: number[] = [];
  const ids = given.map((id, place) => {
    if (!isId(id)) malformed.push(place);
    else if (seen.has(id)) duplicate.push(place);
    else seen.add(id);
    return isId(id) ? id : shorten(id);
  });
  return { kind: 'requested', from, ids, malformed, duplicate };
}

function inChunks(ids: readonly string[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < ids.length; from += chunkSize) {
    chunks.push({ kind: 'relatives', ids: ids.slice(from, from + chunkSize) });
  }
  return chunks;
}

/** The oldest first. Runs themselves are only among them where they are asked for. */
async function matching(
  { store, projector }: Engine,
  filter: JobFilter,
  before: number,
): Promise<string[]> {
  await projector.flush();
  const found: string[] = [];
  for (let after: Page['after']; ;) {
    const page = await store.listJobs(filter, {
      limit: chunkSize,
      oldestFirst: true,
      ...(after && { after }),
    });
    const old = page.filter(({ createdAt }) => createdAt.getTime() <= before);
    for (const { id, type } of old) {
      if (type !== bulkRun.name || filter.type === bulkRun.name) found.push(id);
    }
    after = page.at(-1);
    if (page.length < chunkSize || old.length < page.length) return found;
  }
}
