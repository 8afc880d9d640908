import { once } from 'node:events';
import type { Trial } from './contender.ts';
import { contenders } from './contenders.ts';

/** In a process of its own: takes the sample that the parent asks for, answers, and ends. */
export async function runTrial(): Promise<void> {
  const [trial] = (await once(process, 'message')) as [Trial];
  const contender = contenders.find(({ id }) => id === trial.contender);
  if (!contender) throw new Error(`there is no contender ${trial.contender}`);
  const result = await contender.run(trial);
  // What a peer leaves open must not keep the process.
  process.send?.(result, () => process.exit(0));
}
