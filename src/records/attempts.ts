import { OutputNotFound } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { placeEntries, type PlacedEntry } from '../jobs/request.ts';
import { lastSeq } from '../store/store.ts';
import { outputsOf, unpackOutput, type OutputName, type Outputs } from './outputs.ts';

/** One try at a job, from its claim to its end: well, not well, or with its worker lost. */
export interface Attempt {
  /** 1 for the first that ended. */
  readonly attempt: number;
  /** The number of its claim; claims that were given back untouched are no attempts. */
  readonly epoch: number;
  readonly worker: string | null;
  readonly outcome: 'complete' | 'error' | 'lost';
  /** When it was claimed (UTC ISO, milliseconds). */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly error: { readonly type: string; readonly message: string } | null;
  /** What it left; bytes are those of the text in UTF-8. */
  readonly outputs: { readonly [Name in OutputName]?: { readonly bytes: number } };
}

/** Which output: of the attempt with this number, or of the newest one. */
export interface OutputChoice {
  readonly attempt: number | 'latest';
  readonly name: OutputName;
}

const commitsAtOnce = 500;

/** A job's attempts that ended, the first one first, as its history tells them. */
export async function readAttempts(engine: Engine, job: LiveJob): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for await (const { outputs, ...attempt } of walkAttempts(engine, job)) {
    const sizes = Object.entries(outputs).map(([name, { bytes }]) => [name, { bytes }]);
    attempts.push({ ...attempt, outputs: Object.fromEntries(sizes) as Attempt['outputs'] });
  }
  return attempts;
}

/**
 * What an attempt left under a name, as UTF-8: a result is JSON. Rejects with OutputNotFound where there is
 * no such attempt, or it left nothing under this name.
 */
export async function readOutput(
  engine: Engine,
  job: LiveJob,
  { attempt: wanted, name }: OutputChoice,
): Promise<Buffer> {
  let chosen: EndedAttempt | undefined;
  for await (const each of walkAttempts(engine, job)) {
    if (wanted !== 'latest' && each.attempt > wanted) break;
    chosen = each;
  }
  if (!chosen) throw new OutputNotFound(job.id, 'no attempt has ended');
  const { attempt, outputs } = chosen;
  if (wanted !== 'latest' && attempt !== wanted) {
    throw new OutputNotFound(job.id, `there is no attempt ${wanted}, the newest is ${attempt}`);
  }
  const packed = outputs[name];
  if (!packed) {
    const left = Object.keys(outputs).join(', ') || 'nothing';
    throw new OutputNotFound(job.id, `attempt ${attempt} left no ${name}; it left ${left}`);
  }
  return unpackOutput(engine, job.id, packed);
}

interface EndedAttempt extends Omit<Attempt, 'outputs'> {
  readonly outputs: Outputs;
}
interface Claim {
  readonly epoch: number;
  readonly worker: string | null;
  readonly at: Date;
}
interface EventData {
  readonly worker?: unknown;
  readonly lost?: unknown;
  readonly error?: unknown;
}

/** Reads the history of this life of the job page by page, so that a long one is never held as a whole. */
async function* walkAttempts(
  { store }: Engine,
  { id, createdSeq, seq: newest }: LiveJob,
): AsyncGenerator<EndedAttempt, void> {
  let claim: Claim | undefined;
  let [epoch, attempt] = [0, 0];
  for (let from = createdSeq - 1; from < newest;) {
    const commits = await store.readNewer(id, from, commitsAtOnce);
    for (const placed of commits.flatMap((commit) => placeEntries(commit))) {
      if (placed.seq < createdSeq || placed.seq > newest) continue;
      if (placed.entry.name === 'claim') {
        epoch += 1;
        const { worker } = dataOf(placed);
        claim = { epoch, worker: typeof worker === 'string' ? worker : null, at: placed.at };
        continue;
      }
      const ended = claim && endOf(placed, claim, attempt + 1);
      if (ended) yield ended;
      if (ended) attempt += 1;
      // Whatever leaves the state that the claim led to takes the job from its worker.
      if (placed.entry.from !== placed.entry.to) claim = undefined;
    }
    const last = commits.at(-1);
    if (!last || commits.length < commitsAtOnce) return;
    from = lastSeq(last);
  }
}

/** What an entry tells of the attempt that it ends; undefined where it ends none. */
function endOf(placed: PlacedEntry, claim: Claim, attempt: number): EndedAttempt | undefined {
  const outcome = outcomeOf(placed);
  if (!outcome) return undefined;
  const data = dataOf(placed);
  return {
    attempt,
    epoch: claim.epoch,
    worker: claim.worker,
    outcome,
    startedAt: claim.at.toISOString(),
    endedAt: placed.at.toISOString(),
    error: outcome === 'error' ? errorOf(data) : null,
    outputs: outputsOf(data),
  };
}

function outcomeOf(placed: PlacedEntry): Attempt['outcome'] | undefined {
  const { name, operation } = placed.entry;
  if (operation !== undefined) return undefined;
  if (name === 'finish') return 'complete';
  if (name === 'fail') return 'error';
  return name === 'release' && dataOf(placed).lost === true ? 'lost' : undefined;
}

/** The machine's schema saw to it; a machine of somebody's own may tell less. */
function errorOf({ error }: EventData): Attempt['error'] {
  const { type, message } = (error ?? {}) as Partial<Record<'type' | 'message', unknown>>;
  return {
    type: typeof type === 'string' ? type : 'unknown_error',
    message: typeof message === 'string' ? message : '',
  };
}

const dataOf = ({ entry }: PlacedEntry): EventData =>
  entry.data === null ? {} : (JSON.parse(entry.data) as EventData);
