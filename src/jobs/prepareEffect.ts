import {
  InvalidTransition,
  JobNotFound,
  UnknownEvent,
  AdminRequired,
  type JobError,
} from '../errors.ts';
import type { Actor } from '../machine/actor.ts';
import { isAside } from '../machine/aside.ts';
import type { EffectRun } from '../machine/effect.ts';
import type { EffectTask, StoredEntry } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { loadJob, loadJobAt } from './loadJob.ts';
import { takeEvent } from './parseEvent.ts';
import { placeEntries } from './request.ts';
import { sendEvents } from './sendEvents.ts';

/** What an effect's handler is given: the entry that asked for it, and ways back to its job. */
export async function prepareEffect(
  engine: Engine,
  task: EffectTask,
  signal: AbortSignal,
): Promise<EffectRun> {
  const { job: jobId, seq, effect, id: key, attempts: attempt } = task;
  const [placed, ...later] = await entriesFrom(engine, jobId, seq);
  if (!placed || placed.seq !== seq) throw new Error(`the entry ${jobId}:${seq} is not in the log`);
  const job = await loadJob(engine, jobId);
  const archivePath = job?.setup.archivePath || (await pathBefore(engine, jobId, seq));
  const { actor, name: event } = placed.entry;
  return {
    jobId,
    machine: task.type,
    seq,
    event,
    actor,
    params: effect.params,
    key,
    attempt,
    archivePath,
    archiveDirectory: archivePath === '' ? '' : engine.archive.resolve(archivePath),
    signal,
    isSuperseded: async () =>
      later.some(movesOn) || (await entriesFrom(engine, jobId, seq + 1)).some(movesOn),
    send: (name, data) => sendOnce(engine, task, actor, { name, data }),
  };
}

/** Of a job that is gone, its log still tells. */
const pathBefore = async (engine: Engine, jobId: string, seq: number): Promise<string> =>
  (await loadJobAt(engine, jobId, seq))?.setup.archivePath ?? '';

const entriesFrom = async ({ store }: Engine, jobId: string, seq: number) =>
  (await store.readCommits(jobId, seq))
    .flatMap((commit) => placeEntries(commit))
    .filter((placed) => placed.seq >= seq);

/** An event of the machine that is about its work, or the end of the job. */
const movesOn = ({ entry }: { readonly entry: StoredEntry }): boolean =>
  (entry.operation === undefined && !isAside(entry)) ||
  entry.operation === 'remove' ||
  entry.operation === 'create';

async function sendOnce(
  engine: Engine,
  { job: jobId, seq, id: key }: EffectTask,
  actor: Actor,
  event: { name: string; data?: unknown },
): Promise<boolean> {
  const job = await loadJob(engine, jobId);
  // A life that the job has begun since does not concern this effect.
  if (!job || job.removed || job.createdSeq > seq) return false;
  // A job's own token is not at hand any more; what follows from its event is the engine's doing.
  const sender: Actor = actor.kind === 'job' ? { kind: 'system', id: 'effect' } : actor;
  try {
    await sendEvents(engine, jobId, {
      principal: { actor: sender },
      demand: { kind: 'events', events: [takeEvent(event, engine.jsonLimits)] },
      key: `effect:${key}:${event.name}`,
    });
    return true;
  } catch (error) {
    if (refusals.some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

const refusals: readonly (abstract new (...args: never[]) => JobError)[] = [
  InvalidTransition,
  JobNotFound,
  UnknownEvent,
  AdminRequired,
];
