import type { Principal } from '../auth/authorise.ts';
import { InvalidData, JobError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { JobHandle } from './jobHandle.ts';
import type { LiveJob } from './liveJob.ts';
import { setupJob } from './setupJob.ts';
import type { SetupInput } from './setupInput.ts';

/** What became of one set-up of many: its place in the call, and its job or why there is none. */
export type SetupOutcome<Job = JobHandle> =
  | { readonly index: number; readonly outcome: 'created' | 'existing'; readonly job: Job }
  | { readonly index: number; readonly outcome: 'refused'; readonly error: JobError };

/** How many are under way at a time: their commits share a few inserts, and memory stays bounded. */
const maxUnderWay = 1_000;

/**
 * Sets up many jobs, each exactly as `setupJob` does it alone, so also two of one identity: the second
 * finds the first. A refusal concerns only its own; StoreUnavailable among them means that nobody knows
 * about that one, and repeating the call is safe. Outcomes come in the order of the inputs.
 */
export async function setupMany(
  engine: Engine,
  principal: Principal,
  type: string,
  given: readonly SetupInput[],
): Promise<SetupOutcome<LiveJob>[]> {
  if (!Array.isArray(given)) {
    throw new InvalidData('set-ups', [{ path: 'inputs', message: 'a list of set-ups' }]);
  }
  // What the caller changes later is not set up.
  const inputs: readonly SetupInput[] = given.slice();
  const outcomes: SetupOutcome<LiveJob>[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next; index < inputs.length; index = next) {
      next += 1;
      outcomes[index] = await setupOne(engine, principal, type, inputs[index] as SetupInput, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxUnderWay, inputs.length) }, lane));
  return outcomes;
}

async function setupOne(
  engine: Engine,
  principal: Principal,
  type: string,
  input: SetupInput,
  index: number,
): Promise<SetupOutcome<LiveJob>> {
  try {
    const { job, created } = await setupJob(engine, principal, type, input);
    return { index, outcome: created ? 'created' : 'existing', job };
  } catch (error) {
    if (error instanceof JobError) return { index, outcome: 'refused', error };
    throw error;
  }
}
