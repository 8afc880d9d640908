import { randomUUID } from 'node:crypto';
import { authorise, type Principal } from '../auth/authorise.ts';
import { Forbidden, WorkerExists, WorkerInactive, WorkerNotFound } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { WorkerCounts, WorkerDocument } from '../store/workerStore.ts';
import { claimJobs, readWish } from './claimJobs.ts';
import { compareRunning, readRunning } from './heartbeat.ts';
import { listWorkers, viewWorker, type WorkerListing } from './listWorkers.ts';
import { releaseAll, releaseHeld } from './releaseJobs.ts';
import {
  isFinal,
  maxReports,
  reportProgress,
  reportResults,
  type Reported,
} from './reportResults.ts';
import type { ClaimedJob, WorkerProtocol, WorkerView } from './workerProtocol.ts';
import { isWorkerName, readActivation } from './workerWords.ts';

/** The protocol of workers, and a look at them. */
export interface Workers extends WorkerProtocol {
  /** Rejects with WorkerNotFound. */
  get(name: string): Promise<WorkerView>;
  /** By name. */
  list(listing?: WorkerListing): Promise<{ workers: WorkerView[]; next?: string }>;
}

/**
 * Workers as a principal may use them. A token of a worker speaks for those workers that it activated;
 * operators may speak for any.
 */
export function createWorkers(engine: Engine, principal: Principal): Workers {
  const { store, now } = engine;
  const find = (name: unknown) => findWorker(engine, principal, name);
  return {
    activate: (activation) => activate(engine, principal, activation),

    async heartbeat(name, heartbeat = {}) {
      const found = await find(name);
      const running = readRunning(heartbeat);
      const worker = await beatWorker(engine, found);
      const abandon = running ? await compareRunning(engine, worker, running) : [];
      return { worker: viewWorker(worker), abandon };
    },

    async claim(name, request = {}) {
      const worker = await find(name);
      await begin(engine, worker);
      const claimed = await claimJobs(engine, name, readWish(worker, request));
      await keepClaims(engine, worker, claimed);
      return claimed;
    },

    async progress(name, reports) {
      await beatWorker(engine, await find(name));
      return (await reportProgress(engine, name, reports)).map(({ outcome }) => outcome);
    },

    async report(name, results) {
      const worker = await find(name);
      await beginReport(engine, worker, results);
      const reported = await reportResults(engine, name, results);
      const counts = countsOf(reported, results);
      // What was taken was taken, even of one that has ended in the meantime.
      if (!(await moveDeadline(engine, worker, counts))) await store.countWork(name, counts);
      return reported.map(({ outcome }) => outcome);
    },

    async deactivate(name) {
      const worker = await find(name);
      if (worker.status === 'lost') requireActive(worker);
      await store.endWorker(name, 'inactive', new Date(now()));
      await releaseHeld(engine, name, { reason: 'its worker was deactivated' });
      return viewWorker(await getWorker(engine, name));
    },

    async get(name) {
      authorise(principal, 'worker.read');
      return viewWorker(await getWorker(engine, name));
    },

    async list(listing = {}) {
      authorise(principal, 'worker.read');
      return listWorkers(engine, listing);
    },
  };
}

async function activate(
  { store, now }: Engine,
  principal: Principal,
  activation: Parameters<WorkerProtocol['activate']>[0],
): Promise<WorkerView> {
  authorise(principal, 'worker.act');
  const {
    name = `worker-${randomUUID()}`,
    tags,
    programs,
    leaseSeconds,
  } = readActivation(activation);
  const at = new Date(now());
  const worker: WorkerDocument = {
    ...{ name, subject: principal.actor.id, tags, programs, status: 'active' },
    ...{ activatedAt: at, beatAt: at, deadline: deadlineOf(at, leaseSeconds), leaseSeconds },
    counts: { claimed: 0, completed: 0, failed: 0, released: 0, rejected: 0 },
  };
  if (!(await store.addWorker(worker))) throw new WorkerExists(name);
  return viewWorker(worker);
}

/** The worker that a call is about, where the principal may speak for it. */
async function findWorker(
  engine: Engine,
  principal: Principal,
  name: unknown,
): Promise<WorkerDocument> {
  authorise(principal, 'worker.act');
  const worker = await getWorker(engine, name);
  const { kind, id } = principal.actor;
  if (kind === 'worker' && id !== worker.subject)
    throw new Forbidden(`act as worker ${worker.name}`, 'another token activated it');
  return worker;
}

async function getWorker({ store }: Engine, name: unknown): Promise<WorkerDocument> {
  const worker = isWorkerName(name) ? await store.getWorker(name) : null;
  if (!worker) throw new WorkerNotFound(name);
  return worker;
}

/** At the start of a call that moves the deadline in its end, with the counts: not too late, that is. */
async function begin(engine: Engine, worker: WorkerDocument): Promise<void> {
  requireActive(worker);
  const left = worker.deadline.getTime() - engine.now();
  if (left < (worker.leaseSeconds * 1_000) / 2) await beatWorker(engine, worker);
}

/** What comes from a worker that has ended is refused as a whole, and counted. */
async function beginReport(
  engine: Engine,
  worker: WorkerDocument,
  results: readonly unknown[],
): Promise<void> {
  try {
    await begin(engine, worker);
  } catch (error) {
    if (error instanceof WorkerInactive && Array.isArray(results)) {
      await engine.store.countWork(worker.name, { rejected: Math.min(results.length, maxReports) });
    }
    throw error;
  }
}

/** Moves its deadline. Rejects with WorkerInactive. */
async function beatWorker(engine: Engine, worker: WorkerDocument): Promise<WorkerDocument> {
  const beaten = await moveDeadline(engine, worker);
  if (beaten) return beaten;
  const { status } = await getWorker(engine, worker.name);
  throw new WorkerInactive(worker.name, status);
}

function moveDeadline(
  { store, now }: Engine,
  { name, leaseSeconds }: WorkerDocument,
  more: Partial<WorkerCounts> = {},
): Promise<WorkerDocument | null> {
  const at = new Date(now());
  return store.beatWorker(name, at, deadlineOf(at, leaseSeconds), more);
}

/** Claims of a worker that has ended while they were made are given back, as what it had before was. */
async function keepClaims(
  engine: Engine,
  worker: WorkerDocument,
  claimed: readonly ClaimedJob[],
): Promise<void> {
  if (await moveDeadline(engine, worker, { claimed: claimed.length })) return;
  await releaseAll(engine, claimed, { reason: 'its worker ended while it claimed' });
  const { status } = await getWorker(engine, worker.name);
  throw new WorkerInactive(worker.name, status);
}

function requireActive({ name, status }: WorkerDocument): void {
  if (status !== 'active') throw new WorkerInactive(name, status);
}

const deadlineOf = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1_000);

function countsOf(
  reported: readonly Reported[],
  results: readonly { readonly outcome: unknown }[],
): Partial<WorkerCounts> {
  const count = (outcome: string): number =>
    reported.filter(
      (each, index) =>
        each.outcome.outcome === 'accepted' &&
        !each.isRepeat &&
        results[index]?.outcome === outcome,
    ).length;
  return {
    completed: count('complete'),
    failed: count('error'),
    released: count('released'),
    rejected: reported.filter(isFinal).length,
  };
}
