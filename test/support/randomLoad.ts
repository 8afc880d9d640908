import { pipeline, type Arena } from './arena.ts';
import type { Operation } from './operations.ts';

/** Mostly events that a job takes in its first states, so that most are written. */
const names = [
  ...['run', 'run', 'run', 'update', 'update', 'update', 'update', 'resource', 'resource'],
  ...['finish', 'validate', 'fail'],
];

/** What many clients ask of a few jobs: events mostly, and set-ups, resets and deletes among them. */
export interface RandomLoad {
  /** One operation; every event and reset is under a key of its own. */
  readonly next: () => Operation;
  /** Lists of operations, one a writer. */
  writers(count: number, length: number): Operation[][];
}

/** Makes the jobs and a repeatable source of load on them. */
export async function createLoad(
  arena: Pick<Arena, 'ask'>,
  jobCount: number,
  random: () => number,
): Promise<RandomLoad> {
  const setUps = Array.from({ length: jobCount }, (_each, index): Operation => ({
    do: 'setup',
    type: 'pipelineJob',
    pipeline,
    data: { index },
  }));
  const jobs: string[] = [];
  for (const setUp of setUps) {
    const made = await arena.ask(setUp);
    if (!made.ok) throw new Error(made.code);
    jobs.push(made.job);
  }
  let lastKey = 0;
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;
  const operation = (): Operation => {
    const kind = random();
    const job = pick(jobs);
    if (kind < 0.12) return pick(setUps);
    if (kind < 0.15) return { do: 'delete', job };
    const key = `key-${(lastKey += 1)}`;
    if (kind < 0.25) return { do: 'reset', job, key };
    const events = Array.from({ length: 1 + Math.floor(random() * 2) }, () => ({
      name: pick(names),
      data: { key },
    }));
    return { do: 'send', job, key, events };
  };
  return {
    next: operation,
    writers: (count, length) =>
      Array.from({ length: count }, () => Array.from({ length }, operation)),
  };
}
