import { createHash, randomUUID } from 'node:crypto';
import type {
  AuditRecord,
  Commit,
  EffectClaim,
  EffectTask,
  JobDocument,
  JobSetup,
  Page,
  StoredEntry,
} from '../../../src/store/store.ts';
import type { WorkerDocument } from '../../../src/store/workerStore.ts';

/** A time with milliseconds, so that a store that drops them is found out. */
export const sometime = new Date('2026-02-03T04:05:06.789Z');

export const after = (milliseconds: number): Date => new Date(sometime.getTime() + milliseconds);

export const newJobId = (): string => randomUUID();

/** More than any test stores. */
export const onePage: Page = { limit: 500 };

let lastNonce = 0;

export function buildEntry(overrides: Partial<StoredEntry> = {}): StoredEntry {
  return {
    name: 'update',
    data: '{"msg":"half way"}',
    from: 'RUNNING',
    to: 'RUNNING',
    actor: { kind: 'operator', id: 'alice' },
    hash: sha256(randomUUID()),
    ...overrides,
  };
}

/** A commit of one entry by one process; every commit has a nonce of its own. */
export function buildCommit(overrides: Partial<Commit> = {}): Commit {
  lastNonce += 1;
  return {
    job: newJobId(),
    seq: 1,
    type: 'pipelineJob',
    typeVersion: '1',
    at: after(0),
    process: 'first-process',
    nonce: lastNonce,
    entries: [buildEntry()],
    ...overrides,
  };
}

/** A commit that ends the job's life at `seq`. */
export function buildTombstone(job: string, seq: number): Commit {
  return buildCommit({ job, seq, entries: [buildRemoval()] });
}

export function buildRemoval(): StoredEntry {
  return buildEntry({
    name: 'delete',
    operation: 'remove',
    data: '{"reason":"a mistake"}',
    to: null,
    actor: { kind: 'admin', id: 'root' },
  });
}

export function buildSetup(overrides: Partial<JobSetup> = {}): JobSetup {
  return {
    pipeline: 'a-pipeline',
    links: {},
    session: null,
    agent: null,
    task: null,
    archivePath: '/products/v2/a/b/c',
    tags: [],
    ...overrides,
  };
}

export function buildJob(overrides: Partial<JobDocument> = {}): JobDocument {
  return {
    id: newJobId(),
    type: 'pipelineJob',
    typeVersion: '1',
    seq: 1,
    createdSeq: 1,
    state: 'CREATED',
    states: ['CREATED'],
    snapshot: { value: 'CREATED', context: {}, status: 'active' },
    data: {},
    setup: buildSetup(),
    links: {},
    createdAt: after(0),
    updatedAt: after(0),
    lastEvent: 'create',
    generation: 0,
    headHash: sha256(''),
    timers: [],
    ...overrides,
  };
}

export function buildEffect(overrides: Partial<EffectTask> = {}): EffectTask {
  const { job = newJobId(), seq = 1, index = 0 } = overrides;
  return {
    id: `${job}:${seq}:${index}`,
    job,
    seq,
    index,
    type: 'pipelineJob',
    typeVersion: '1',
    effect: { type: 'clearArchive', params: null },
    status: 'due',
    dueAt: after(0),
    attempts: 0,
    ...overrides,
  };
}

export function buildAudit(overrides: Partial<AuditRecord> = {}): AuditRecord {
  return {
    at: after(0),
    action: 'job.reset',
    outcome: 'refused',
    jobId: newJobId(),
    actor: { kind: 'operator', id: 'alice' },
    tokenId: 'a-token',
    code: 'ADMIN_REQUIRED',
    reason: null,
    requestId: 'a-request',
    ...overrides,
  };
}

/** A claim made at `sometime` on a lease of one minute. */
export function buildClaim(owner: string, overrides: Partial<EffectClaim> = {}): EffectClaim {
  return { owner, now: after(0), leaseUntil: after(minute), limit: 100, ...overrides };
}

export function buildWorker(overrides: Partial<WorkerDocument> = {}): WorkerDocument {
  return {
    name: 'worker',
    subject: 'token-of-worker',
    tags: ['*'],
    programs: { psi4: '1.9' },
    status: 'active',
    activatedAt: after(0),
    beatAt: after(0),
    deadline: after(minute),
    leaseSeconds: 60,
    counts: { claimed: 0, completed: 0, failed: 0, released: 0, rejected: 0 },
    ...overrides,
  };
}

export const minute = 60_000;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
