import { timed } from '../measure.ts';
import type { Trial, TrialResult } from './contender.ts';
import { payloadOf, type Payload } from './payload.ts';
import { runCallers, takeSample, warmUpOf, type Sampled, type Times } from './takeSample.ts';

/** A queue with its worker, at work. */
export interface Queue {
  /** Resolves once the job is stored. */
  enqueue(payload: Payload): Promise<unknown>;
  /** Resolves once the server says that nothing is left, where a worker tells an end too early. */
  settled?(): Promise<void>;
  close(): Promise<void>;
}

/** What a queue's worker tells: that it was acknowledged that this job ended; or that it cannot go on. */
export interface Ends {
  readonly done: (n: number) => void;
  readonly failed: (error: unknown) => void;
}

/** Callers enqueue, each the next job once the one before is stored, while the worker works off. */
export async function runQueue(
  trial: Trial,
  open: (ends: Ends) => Promise<Queue>,
  { serverCpu }: Pick<Sampled, 'serverCpu'> = {},
): Promise<TrialResult> {
  const lives = createLives();
  const queue = await open(lives);
  let made = 0;
  const pass = async (jobs: number, times: Times): Promise<void> => {
    const ended = lives.expect(jobs, times.life);
    const enqueued = runCallers(trial.callers, jobs, async () => {
      const payload = payloadOf((made += 1));
      lives.begin(payload.n);
      times.call(await timed(() => queue.enqueue(payload)));
    });
    await Promise.all([enqueued, ended]);
    await queue.settled?.();
  };
  try {
    await pass(warmUpOf(trial), { call: () => undefined, life: () => undefined });
    const sampled = { units: trial.jobs, ...(serverCpu && { serverCpu }) };
    return await takeSample(trial, sampled, (times) => pass(trial.jobs, times));
  } finally {
    await queue.close();
  }
}

/** Which jobs are under way, since when. */
function createLives() {
  const begun = new Map<number, number>();
  let left = 0;
  let told: Times['life'] = () => undefined;
  let allEnded: () => void = () => undefined;
  let cannot: (error: unknown) => void = () => undefined;
  return {
    begin: (n: number): void => void begun.set(n, performance.now()),
    done(n: number): void {
      const since = begun.get(n);
      // A job that is told twice ended once.
      if (since === undefined) return;
      begun.delete(n);
      told(performance.now() - since);
      left -= 1;
      if (left === 0) allEnded();
    },
    failed: (error: unknown): void => cannot(error),
    expect(jobs: number, tell: Times['life']): Promise<void> {
      [left, told] = [jobs, tell];
      return new Promise((resolve, reject) => ([allEnded, cannot] = [resolve, reject]));
    },
  };
}
