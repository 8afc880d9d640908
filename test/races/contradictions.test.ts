import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArena, pipeline, type Arena } from '../support/arena.ts';
import { testDatabase } from '../support/database.ts';
import { expectClean } from '../support/expectClean.ts';
import type { Attempt, JobClient } from '../support/jobClient.ts';
import type { Operation } from '../support/operations.ts';
import { isLong, seededRandom } from '../support/waitUntil.ts';

const { uri, database } = testDatabase();
let arena: Arena;
let clients: readonly JobClient[];

beforeAll(async () => {
  arena = await openArena(uri, database);
  clients = await Promise.all([arena.startClient(), arena.startClient()]);
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await arena.close();
});

const setUp = (index: number): Operation => ({
  do: 'setup',
  type: 'pipelineJob',
  pipeline,
  data: { index },
});

const send = (job: string, name: string): Operation => ({
  do: 'send',
  job,
  key: name,
  events: [{ name }],
});

/** What both processes ask of each job at once. */
const demands = (job: string): Operation[] => [
  send(job, 'finish'),
  send(job, 'fail'),
  { do: 'cancel', job },
  { do: 'reset', job, key: 'reset' },
  { do: 'delete', job },
];

/** What a refusal may be: the job has moved on, is gone, or was never to be cancelled. */
const refusals = ['INVALID_TRANSITION', 'JOB_NOT_FOUND', 'CANCEL_TOO_LATE'];

const seed = 20_261_121;

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

describe('finish, fail, cancel, reset and delete at once', () => {
  it('leave every job with one consistent outcome', async () => {
    const count = isLong ? 400 : 40;
    const jobs: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const made = await arena.ask(setUp(index));
      if (!made.ok) throw new Error(made.code);
      // Every other one is still as it was created, so that it can be cancelled.
      if (index % 2 === 0) await arena.ask(send(made.job, 'run'));
      jobs.push(made.job);
    }
    // Ten writers meet at each job, each with another demand and in another order at every job.
    const random = seededRandom(seed);
    const orders = jobs.map((job) => [
      shuffled(demands(job), random),
      shuffled(demands(job), random),
    ]);
    const attempts = await Promise.all(
      clients.map((client, side) =>
        client.run(
          [0, 1, 2, 3, 4].map((lane) => orders.flatMap((order) => order[side]?.[lane] ?? [])),
        ),
      ),
    );
    await expectClean(arena, withoutRepeats(attempts.flat()), 60_000);
    const outcomes = new Map<string, number>();
    for (const job of jobs) {
      const story = await checkStory(job, attempts.flat());
      outcomes.set(story, (outcomes.get(story) ?? 0) + 1);
    }
    console.info(
      `contradictions: ${jobs.length} jobs, ${attempts.flat().length} demands, inconsistent 0;`,
      Object.fromEntries([...outcomes].sort((one, other) => other[1] - one[1]).slice(0, 8)),
    );
  }, 300_000);
});

/** Both processes use the same keys, so one may be refused what the other was granted later. */
function withoutRepeats(attempts: readonly Attempt[]): Attempt[] {
  return attempts.filter(({ outcome }) => outcome?.ok);
}

/** Compares what the clients were told with what the log says; resolves to the story of the job. */
async function checkStory(job: string, attempts: readonly Attempt[]): Promise<string> {
  const names = (await arena.read(job)).commits.flatMap(({ entries }) =>
    entries.map(({ name }) => name),
  );
  const own = attempts.filter(({ operation }) => 'job' in operation && operation.job === job);
  for (const { operation, outcome } of own) {
    if (!outcome?.ok) expect(refusals, JSON.stringify(outcome)).toContain(outcome?.code);
    const name = operation.do === 'send' ? operation.events[0]?.name : operation.do;
    if (outcome?.ok) expect(names, job).toContain(name);
  }
  // A key is applied once though both processes sent it; a removal ends the job's only life here.
  for (const name of ['finish', 'fail', 'reset', 'cancel', 'delete']) {
    expect(names.filter((each) => each === name).length, names.join(' ')).toBeLessThanOrEqual(1);
  }
  expect(names.filter((name) => name === 'cancel' || name === 'delete')).toEqual([names.at(-1)]);
  const removals = own.filter(
    ({ operation: { do: asked }, outcome }) =>
      (asked === 'cancel' || asked === 'delete') && outcome?.ok,
  );
  expect(removals).toHaveLength(1);
  return names.join(' ');
}
