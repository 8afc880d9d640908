import type { Commit } from '../store/store.ts';
import { answerRefusal, answerRepeats } from './answerRepeat.ts';
import { decide } from './decide.ts';
import { effectTasks } from './deriveProjection.ts';
import type { Engine } from './engine.ts';
import { finishRemoval, isRemovalFinished } from './finishRemoval.ts';
import { loadJob } from './loadJob.ts';
import type { LiveJob } from './liveJob.ts';
import { observed } from './observed.ts';
import type { Answer, Mail, Request } from './request.ts';
import { tellCommit } from './tellCommit.ts';

/**
 * The one way to change a job. Resolves once the entries are journaled by a majority; a refusal
 * rejects with a JobError and writes nothing; StoreUnavailable means that nobody knows: repeat it
 * with the same key. Requests of one job are taken in the order of their calls.
 */
export function sendEvents(engine: Engine, jobId: string, request: Request): Promise<Answer> {
  return observed(
    engine,
    jobId,
    request,
    () =>
      new Promise((resolve, reject) => engine.mailboxes.post(jobId, { request, resolve, reject })),
  );
}

/** Handles what has gathered in a job's mailbox: as one commit, each decided on the outcome of the one before. */
export async function handleMail(engine: Engine, jobId: string, mail: Mail[]): Promise<void> {
  try {
    await commitTogether(engine, jobId, mail);
  } catch (error) {
    for (const each of mail) each.reject(error);
  }
}

async function commitTogether(engine: Engine, jobId: string, mail: Mail[]): Promise<void> {
  let open: readonly Mail[] = mail;
  let fold = open.length;
  // 1 load. What is at hand may be stale: then the append fails, or the refusal is checked again. A
  // job that is to be created most likely does not exist, and if it does its first seq is taken.
  let job: LiveJob | null = engine.live.get(jobId) ?? null;
  let isCurrent = false;
  if (!job && !open.every(isCreate)) {
    job = await loadJob(engine, jobId);
    isCurrent = true;
  }
  while (open.length > 0) {
    if (job?.removed && open.some(isCreate) && !(await isRemovalFinished(engine, job))) {
      createLater(engine, job, open.filter(isCreate));
      open = open.filter((each) => !isCreate(each));
      continue;
    }
    // 2 authorise, 3 parse, 4 decide
    const later = open.length > fold ? open.slice(fold) : [];
    const plan = decide(engine, jobId, job, later.length > 0 ? open.slice(0, fold) : open);
    if (!plan.commit && !isCurrent) {
      job = await loadJob(engine, jobId);
      isCurrent = true;
      continue;
    }
    // 5 append
    const outcome = plan.commit ? await append(engine, plan.commit, plan.job) : 'appended';
    if (outcome === 'appended') {
      for (const { mail: each, answer } of plan.answered) each.resolve(answer);
      for (const refusal of plan.refused) await answerRefusal(engine, jobId, refusal);
      open = later.length > 0 ? [...plan.deferred, ...later] : plan.deferred;
      job = plan.job;
      fold *= 4;
      continue;
    }
    // Who lost to another process decides less at first, to be faster than it once.
    fold = 32;
    if (outcome === 'repeated') open = await answerRepeats(engine, jobId, open);
    job = await loadJob(engine, jobId);
    isCurrent = true;
  }
}

const isCreate = ({ request }: Mail): boolean => request.demand.kind === 'create';

/**
 * Posts set-ups again once the job's last life is cleaned up. Not waited for: an effect of that life may
 * have something to send, and would wait for this mailbox.
 */
function createLater(engine: Engine, job: LiveJob, mail: readonly Mail[]): void {
  finishRemoval(engine, job).then(
    () => mail.forEach((each) => engine.mailboxes.post(job.id, each)),
    (error: unknown) => mail.forEach((each) => each.reject(error)),
  );
}

/** The durable write, with the projection told what is under way, so that none is ever forgotten. */
async function append(engine: Engine, commit: Commit, next: LiveJob): Promise<string> {
  // A commit's time may be ahead of this process's clock, by the clock of another: a repair looks from
  // the earliest time that is open, and in order of their beginning only our own clock never goes back.
  const ticket = engine.projector.begin(commit, Math.min(commit.at.getTime(), engine.now()));
  try {
    const outcome = await engine.store.append(commit);
    if (outcome === 'appended') {
      engine.live.put(next);
      engine.projector.mark({ job: next, effects: effectTasks(commit) }, ticket);
      tellCommit(engine, commit, next);
    } else {
      engine.projector.abandon(ticket);
      engine.telemetry.emit('commit.conflict', { jobId: commit.job });
    }
    return outcome;
  } catch (error) {
    engine.live.forget(commit.job);
    engine.projector.suspect(commit.job, ticket);
    throw error;
  }
}
