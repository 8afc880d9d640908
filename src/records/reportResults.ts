import { z } from 'zod';
import {
  IdempotencyConflict,
  InvalidData,
  InvalidTransition,
  JobError,
  JobNotFound,
  LeaseLost,
  StoreUnavailable,
} from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { loadLiving } from '../jobs/loadJob.ts';
import { issuesOf, takeEvent } from '../jobs/parseEvent.ts';
import type { Answer, EventInput } from '../jobs/request.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { isSameReport } from './isSameReport.ts';
import { packOutputs, zippedOutputs } from './outputs.ts';
import type { Held, Progress, ReportOutcome, Result } from './workerProtocol.ts';
import { workOf } from './workOf.ts';

/** Reports that one call may bring. */
export const maxReports = 200;

const held = { id: z.string().min(1).max(200), epoch: z.int().min(1) };
const progressSchema = z.strictObject({ ...held, progress: z.looseObject({}) });
const resultSchema = z
  .strictObject({
    ...held,
    outcome: z.enum(['complete', 'error', 'released']),
    result: z.unknown().optional(),
    stdout: z.string().optional(),
    stderr: z.string().optional(),
    zipped: zippedOutputs.optional(),
    error: z.object({ type: z.string().min(1).max(64), message: z.string().max(4_096) }).optional(),
    reason: z.string().max(2_000).optional(),
  })
  .refine(({ outcome, error }) => outcome !== 'error' || error !== undefined, {
    path: ['error'],
    message: 'required with the outcome error',
  });

/** How a report ends for its sender, and whether it is the repeat of one that was taken before. */
export interface Reported {
  readonly outcome: ReportOutcome;
  readonly isRepeat: boolean;
}

/** Tells jobs how far the work on them is; each report for itself. Throws InvalidData for what is no list. */
export async function reportProgress(
  engine: Engine,
  worker: string,
  reports: readonly Progress[],
): Promise<Reported[]> {
  return reportEach(reports, async (given) => {
    const { id, epoch, progress } = parse(progressSchema, given);
    const { seq, createdSeq } = await findWorkable(engine, { id, epoch });
    const most = Math.floor(engine.limits.history * progressShare);
    if (seq - createdSeq + 1 >= most) {
      const message = `its history takes no more of it from ${most} entries on, to leave room for a result`;
      throw new InvalidData('progress', [{ path: 'progress', message }]);
    }
    return report(engine, worker, { id, epoch }, { name: 'update', data: { epoch, progress } });
  });
}

/** Of a history that progress may fill: a run of days must still be able to tell its result. */
const progressShare = 0.9;

/**
 * Ends claims by their results, each for itself: one that is malformed, late or foreign is rejected, and
 * changes nothing. One that comes again because its answer was lost is answered alike.
 */
export async function reportResults(
  engine: Engine,
  worker: string,
  results: readonly Result[],
): Promise<Reported[]> {
  return reportEach(results, async (given) => {
    const result = parse(resultSchema, given);
    const { id, epoch } = result;
    // Before anything large is stored.
    await findWorkable(engine, { id, epoch });
    const event = await eventOf(engine, result);
    return report(engine, worker, { id, epoch }, event, `report:${worker}:${epoch}`);
  });
}

type Accepted = Pick<Answer, 'job'> & { readonly isRepeat: boolean };

async function reportEach<Given>(
  given: readonly Given[],
  send: (each: Given) => Promise<Accepted>,
): Promise<Reported[]> {
  if (!Array.isArray(given) || given.length > maxReports) {
    const message = `a list of at most ${maxReports} reports`;
    throw new InvalidData('reports', [{ path: 'reports', message }]);
  }
  return Promise.all(
    given.map(async (each: Given, index) => {
      const id = idOf(each);
      try {
        const { job, isRepeat } = await send(each);
        return { outcome: { index, id, outcome: 'accepted', state: job.state } as const, isRepeat };
      } catch (error) {
        return { outcome: rejection(index, id, error), isRepeat: false };
      }
    }),
  );
}

async function eventOf(engine: Engine, result: z.output<typeof resultSchema>): Promise<EventInput> {
  const { id, epoch, outcome, error, reason, result: value, stdout, stderr, zipped } = result;
  const why = reason === undefined ? {} : { reason };
  if (outcome === 'released') return { name: 'release', data: { epoch, ...why } };
  const outputs = await packOutputs(engine, id, { result: value, stdout, stderr, zipped });
  const data = { epoch, ...why, ...(outputs && { outputs }) };
  if (outcome === 'complete') return { name: 'finish', data };
  return { name: 'fail', data: { ...data, error } };
}

/** Sends what is reported of a claim, in the worker's name; the machine decides whether it still holds. */
async function report(
  engine: Engine,
  worker: string,
  claim: Held,
  event: EventInput,
  key?: string,
): Promise<Accepted> {
  const before = await findWorkable(engine, claim);
  const taken = takeEvent(event, engine.jsonLimits);
  try {
    const { job, entries } = await sendEvents(engine, claim.id, {
      principal: { actor: { kind: 'worker', id: worker } },
      right: 'job.work',
      ...(key !== undefined && { key }),
      demand: { kind: 'events', events: [taken] },
    });
    return { job, isRepeat: (entries[0]?.seq ?? 0) <= before.seq };
  } catch (error) {
    if (error instanceof IdempotencyConflict && key !== undefined) {
      const job = await isSameReport(engine, claim.id, key, event);
      if (job) return { job, isRepeat: true };
    }
    const isRefused = error instanceof InvalidTransition || error instanceof IdempotencyConflict;
    throw isRefused ? await leaseLost(engine, claim) : error;
  }
}

/** The job as it is known here; whoever may be none of the workers' is refused, whatever its machine allows. */
async function findWorkable(engine: Engine, claim: Held): Promise<LiveJob> {
  const job = engine.live.get(claim.id) ?? (await loadLiving(engine, claim.id));
  if (job.removed) throw new JobNotFound(claim.id);
  const machine = engine.registry.find(job.type, job.typeVersion);
  if (machine && !machine.definition.work) throw await leaseLost(engine, claim);
  return job;
}

async function leaseLost(engine: Engine, { id, epoch }: Held): Promise<LeaseLost> {
  const job = await loadLiving(engine, id);
  const { lease } = workOf(engine.registry, job);
  const context = job.snapshot?.context as { epoch?: unknown } | undefined;
  const newest = lease?.epoch ?? (typeof context?.epoch === 'number' ? context.epoch : 0);
  return new LeaseLost(id, epoch, {
    state: job.state,
    worker: lease?.worker ?? null,
    epoch: newest,
  });
}

function rejection(index: number, id: string, error: unknown): ReportOutcome {
  if (!(error instanceof JobError)) throw error;
  const { code, message } = error;
  const state = error instanceof LeaseLost ? { state: error.found.state } : {};
  return { index, id, outcome: 'rejected', code, message, ...state };
}

function parse<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new InvalidData('report', issuesOf(parsed.error, 'report'));
}

function idOf(given: unknown): string {
  const id = (given as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id.slice(0, 200) : '';
}

/** Whether a rejection tells of the report itself, not of a store that may be there again soon. */
export const isFinal = ({ outcome }: Reported): boolean =>
  outcome.outcome === 'rejected' && outcome.code !== unavailable;

const unavailable = new StoreUnavailable('it is asked for its code').code;
