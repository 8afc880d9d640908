import type { Engine } from '../jobs/engine.ts';
import { loadLiving } from '../jobs/loadJob.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import type { Relative } from '../store/relationStore.ts';
import { readJobs } from './family.ts';

/** A parent or a child of a job, as lists show it. */
export interface RelativeView {
  readonly id: string;
  readonly type: string;
  /** The dotted active state. */
  readonly state: string;
}

export interface RelativePage {
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before: the last id on it. */
  readonly cursor?: string | undefined;
}

/** A page of the jobs that have this one for a parent, by id. Rejects with JobNotFound. */
export async function readChildren(
  engine: Engine,
  id: string,
  { limit = 50, cursor }: RelativePage,
): Promise<{ children: RelativeView[]; next?: string }> {
  checkWhole('limit', limit, 1, engine.limits.page);
  await loadLiving(engine, id);
  await engine.projector.flush();
  const found = await engine.store.readChildren(id, { limit: limit + 1, after: cursor });
  const children = found.slice(0, limit).map(view);
  const last = children.at(-1);
  return { children, ...(last && found.length > limit && { next: last.id }) };
}

/** The living jobs that a job has for parents, by id; documents are not among them. Rejects with JobNotFound. */
export async function readParents(engine: Engine, id: string): Promise<RelativeView[]> {
  const { links } = await loadLiving(engine, id);
  await engine.projector.flush();
  const parents: RelativeView[] = [];
  await readJobs(engine, new Set(links.child_of ?? []), (each) => parents.push(view(each)));
  return parents.sort((one, other) => (one.id < other.id ? -1 : 1));
}

const view = ({ id, type, state }: Relative): RelativeView => ({ id, type, state });
