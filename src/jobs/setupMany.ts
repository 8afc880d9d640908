import { hash } from 'node:crypto';
import type { Principal } from '../auth/authorise.ts';
import { InvalidData, JobError } from '../errors.ts';
import { stoppedOptions, treatFound, type Stopped } from '../records/findOrCreate.ts';
import type { Engine } from './engine.ts';
import type { JobHandle } from './jobHandle.ts';
import type { LiveJob } from './liveJob.ts';
import { setupJob } from './setupJob.ts';
import type { SetupInput } from './setupInput.ts';

/** What became of one set-up of many: its place in the call, and its job or why there is none. */
export type SetupOutcome<Job = JobHandle> =
  | { readonly index: number; readonly outcome: 'created'; readonly job: Job }
  | {
      readonly index: number;
      readonly outcome: 'existing';
      readonly job: Job;
      /** Where it was found cancelled, deleted or invalid: what was done about that. */
      readonly stopped?: 'kept' | 'restored';
    }
  | { readonly index: number; readonly outcome: 'refused'; readonly error: JobError };

export interface SetupManyOptions {
  /** False sets up new jobs, however many alike there are; a set-up may say for itself. Default: true. */
  readonly findExisting?: boolean | undefined;
  /** What is done with a job that is found cancelled, deleted or invalid. Default: `keep`. */
  readonly stopped?: Stopped | undefined;
}

/** How many are under way at a time: their commits share a few inserts, and memory stays bounded. */
const maxUnderWay = 1_000;

/**
 * Sets up many jobs, each exactly as `setupJob` does it alone, so also two of one identity: the second
 * finds the first. A refusal concerns only its own; StoreUnavailable among them means that nobody knows
 * about that one, and repeating the call is safe: under a key also where new jobs are asked for. A job that
 * is found keeps its tag and its priority, whatever the set-up says. Outcomes come in the order of the inputs.
 */
export async function setupMany(
  engine: Engine,
  principal: Principal,
  type: string,
  given: readonly SetupInput[],
  {
    key,
    findExisting,
    stopped = 'keep',
  }: SetupManyOptions & { readonly key?: string | undefined } = {},
): Promise<SetupOutcome<LiveJob>[]> {
  if (!Array.isArray(given)) {
    throw new InvalidData('set-ups', [{ path: 'inputs', message: 'a list of set-ups' }]);
  }
  if (!stoppedOptions.includes(stopped)) {
    const message = `one of ${stoppedOptions.join(', ')}`;
    throw new InvalidData('set-ups', [{ path: 'stopped', message }]);
  }
  // What the caller changes later is not set up.
  const inputs: readonly SetupInput[] = given.slice();
  const setUp = async (index: number): Promise<SetupOutcome<LiveJob>> => {
    const input = inputs[index] as SetupInput;
    const asked = withDefault(input, findExisting);
    const own = key === undefined ? undefined : keyOfPart(key, index);
    const { job, created } = await setupJob(engine, principal, type, asked, own);
    if (created) return { index, outcome: 'created', job };
    return { index, outcome: 'existing', ...(await treatFound(engine, principal, job, stopped)) };
  };
  const outcomes: SetupOutcome<LiveJob>[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next; index < inputs.length; index = next) {
      next += 1;
      outcomes[index] = await orRefused(index, setUp(index));
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxUnderWay, inputs.length) }, lane));
  tellFirst(outcomes);
  return outcomes;
}

/** Of several alike, whichever was faster, the first is said to have made the job, or brought it back. */
function tellFirst(outcomes: SetupOutcome<LiveJob>[]): void {
  const places = new Map<string, number>();
  for (const [index, each] of outcomes.entries()) {
    if (each.outcome === 'refused') continue;
    const place = places.get(each.job.id) ?? index;
    places.set(each.job.id, place);
    const first = outcomes[place];
    if (place === index || !first || !hasActed(each) || hasActed(first)) continue;
    outcomes[place] = { ...each, index: place };
    outcomes[index] = { ...first, index };
  }
}

const hasActed = (each: SetupOutcome<LiveJob>): boolean =>
  each.outcome === 'created' || (each.outcome === 'existing' && each.stopped === 'restored');

/** What is no set-up is left as it is, to be refused. */
function withDefault(input: SetupInput, findExisting: boolean | undefined): SetupInput {
  if (findExisting === undefined || typeof input !== 'object' || (input as unknown) === null) {
    return input;
  }
  return { ...input, findExisting: input.findExisting ?? findExisting };
}

async function orRefused(
  index: number,
  setup: Promise<SetupOutcome<LiveJob>>,
): Promise<SetupOutcome<LiveJob>> {
  try {
    return await setup;
  } catch (error) {
    if (error instanceof JobError) return { index, outcome: 'refused', error };
    throw error;
  }
}

/** Each job's own, and the same for the repeat of the call; short whatever the key is. */
const keyOfPart = (key: string, index: number): string =>
  `many:${hash('sha256', key).slice(0, 32)}:${index}`;
