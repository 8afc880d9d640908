import { InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import type { WorkerDocument, WorkerStatus } from '../store/workerStore.ts';
import type { WorkerView } from './workerProtocol.ts';
import { isWorkerName } from './workerWords.ts';

export interface WorkerListing {
  readonly status?: WorkerStatus | undefined;
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

/** A page of workers by name. Throws InvalidData. */
export async function listWorkers(
  { store, limits }: Engine,
  { status, limit = 50, cursor }: WorkerListing,
): Promise<{ workers: WorkerView[]; next?: string }> {
  checkWhole('limit', limit, 1, limits.page);
  if (status !== undefined && !['active', 'inactive', 'lost'].includes(status)) {
    const message = 'active, inactive or lost';
    throw new InvalidData('workers', [{ path: 'status', message }]);
  }
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const found = await store.listWorkers({ status, after, limit: limit + 1 });
  const workers = found.slice(0, limit).map(viewWorker);
  const last = workers.at(-1);
  const next = last && found.length > limit && Buffer.from(last.name).toString('base64url');
  return { workers, ...(next && { next }) };
}

function readCursor(cursor: unknown): string {
  const name = Buffer.from(String(cursor), 'base64url').toString();
  if (isWorkerName(name)) return name;
  const message = 'take it from `next` of the page before';
  throw new InvalidData('cursor', [{ path: 'cursor', message }]);
}

/** A worker as everybody may see it. */
export function viewWorker(worker: WorkerDocument): WorkerView {
  const { activatedAt, beatAt, deadline, endedAt, tags, programs, counts, ...rest } = worker;
  return {
    ...rest,
    tags: [...tags],
    programs: { ...programs },
    counts: { ...counts },
    activatedAt: activatedAt.toISOString(),
    beatAt: beatAt.toISOString(),
    deadline: deadline.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}
