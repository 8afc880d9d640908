import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArena, pipeline, type Arena } from '../support/arena.ts';
import { testDatabase } from '../support/database.ts';
import { expectClean } from '../support/expectClean.ts';
import type { Attempt, JobClient } from '../support/jobClient.ts';
import type { Operation } from '../support/operations.ts';
import { isLong } from '../support/waitUntil.ts';

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

const setUp = (data: Record<string, unknown>): Operation => ({
  do: 'setup',
  type: 'pipelineJob',
  pipeline,
  data,
});

const send = (job: string, ...names: string[]): Operation => ({
  do: 'send',
  job,
  events: names.map((name) => ({ name })),
});

async function makeJob(data: Record<string, unknown>, ...names: string[]): Promise<string> {
  const made = await arena.ask(setUp(data));
  if (!made.ok) throw new Error(made.code);
  if (names.length > 0) await arena.ask(send(made.job, ...names));
  return made.job;
}

/** Lets both processes begin at once, each with its own operations. */
const race = async (
  ...writers: readonly (readonly (readonly Operation[])[])[]
): Promise<(readonly Attempt[])[]> =>
  Promise.all(clients.map((client, index) => client.run(writers[index] ?? [])));

const entriesOf = async (job: string) =>
  (await arena.read(job)).commits.flatMap(({ entries }) => entries);

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_each, index) => make(index));

describe('two processes on one job', () => {
  it('keep every one of 200 updates by 8 writers, in one line without a gap', async () => {
    const job = await makeJob({ race: 'updates' });
    const writers = times(4, () => times(25, () => send(job, 'update')));
    const attempts = (await race(writers, writers)).flat();
    const seqs = attempts.flatMap(({ outcome }) =>
      outcome?.ok ? outcome.entries.map(({ seq }) => seq) : [],
    );
    expect(seqs.sort((one, other) => one - other)).toEqual(times(200, (index) => index + 2));
    expect(await entriesOf(job)).toHaveLength(201);
    await expectClean(arena, attempts);
    console.info(`updates: ${seqs.length} acknowledged, 200 entries, lost 0, doubled 0`);
  });

  it('apply a request under one key once and answer all 100 alike', async () => {
    const job = await makeJob({ race: 'keys' });
    const request: Operation = {
      do: 'send',
      job,
      key: 'once',
      events: [{ name: 'run' }, { name: 'update', data: { step: 1 } }],
    };
    const writers = times(50, () => [request]);
    const attempts = (await race(writers, writers)).flat();
    const answers = new Set(attempts.map(({ outcome }) => JSON.stringify(outcome)));
    expect([...answers]).toHaveLength(1);
    expect(attempts).toHaveLength(100);
    expect((await entriesOf(job)).map(({ name }) => name)).toEqual(['create', 'run', 'update']);
    await expectClean(arena, attempts);
    console.info(`keys: ${attempts.length} acknowledged, ${answers.size} answer, applied once`);
  });

  it('see each other’s chains whole or not at all', async () => {
    const job = await makeJob({ race: 'chains' }, 'run');
    const chain = (writer: number, index: number): Operation => ({
      do: 'send',
      job,
      key: `${writer}-${index}`,
      events: times(5, (place) => ({ name: 'update', data: { writer, index, place } })),
    });
    const chainsOf = (first: number) =>
      times(4, (writer) => times(isLong ? 50 : 10, (index) => chain(first + writer, index)));
    const attempts = (await race(chainsOf(0), chainsOf(4))).flat();
    expect(attempts.filter(({ outcome }) => !outcome?.ok)).toEqual([]);
    const updates = (await entriesOf(job)).slice(2).map(({ data }) => data);
    const chains = times(updates.length / 5, (index) => updates.slice(index * 5, index * 5 + 5));
    for (const [first = '', ...rest] of chains) {
      const { writer, index } = JSON.parse(first ?? '') as { writer: number; index: number };
      const whole = times(5, (place) => JSON.stringify({ index, place, writer }));
      expect([first, ...rest]).toEqual(whole);
    }
    await expectClean(arena, attempts);
    console.info(`chains: ${attempts.length} acknowledged, ${chains.length} whole, interleaved 0`);
  });
});

const outcomesByJob = (attempts: readonly Attempt[]): Map<string, Attempt> =>
  new Map(
    attempts.map((attempt) => ['job' in attempt.operation ? attempt.operation.job : '', attempt]),
  );

const nameOf = (attempt: Attempt | undefined): 'finish' | 'fail' =>
  attempt?.operation.do === 'send' && attempt.operation.events[0]?.name === 'finish'
    ? 'finish'
    : 'fail';

describe('two processes that contradict each other', () => {
  it('give a job of `finish` against `fail` to exactly one of them', async () => {
    const jobs = await Promise.all(
      times(isLong ? 1_000 : 100, (index) => makeJob({ race: 'end', index }, 'run')),
    );
    // Both go through the jobs in step, each the other way round within a pair, so that both win some.
    const lanes = 8;
    const attempts = (
      await race(
        ...[0, 1].map((side) =>
          times(lanes, (lane) =>
            jobs
              .map((_job, index) => jobs[index ^ side] ?? '')
              .filter((_job, index) => Math.floor(index / 2) % lanes === lane)
              .map((job, index) => send(job, index % 4 < 2 === (side === 0) ? 'finish' : 'fail')),
          ),
        ),
      )
    ).map((side) => outcomesByJob(side));
    const won = { finish: 0, fail: 0 };
    let wonByFirst = 0;
    for (const job of jobs) {
      const told = attempts.map((side) => side.get(job));
      const [winner, ...others] = told.filter((attempt) => attempt?.outcome?.ok);
      const [loser] = told.filter((attempt) => !attempt?.outcome?.ok);
      const name = nameOf(winner);
      won[name] += 1;
      if (winner === told[0]) wonByFirst += 1;
      expect(others).toEqual([]);
      expect(loser?.outcome).toMatchObject({ code: 'INVALID_TRANSITION' });
      expect((await entriesOf(job)).map((entry) => entry.name)).toEqual(['create', 'run', name]);
    }
    await expectClean(arena, []);
    console.info(
      `ends: ${jobs.length} jobs, ${won.finish} finished, ${won.fail} failed, both 0, none 0; ` +
        `${wonByFirst} won by the first process`,
    );
  }, 300_000);

  it('make one job with one `create` of 100 set-ups at once', async () => {
    const writers = times(50, () => [setUp({ race: 'set-up' })]);
    const attempts = (await race(writers, writers)).flat();
    const jobs = new Set(attempts.map(({ outcome }) => (outcome?.ok ? outcome.job : 'refused')));
    const created = attempts.filter(({ outcome }) => outcome?.ok && outcome.entries.length > 0);
    expect([...jobs]).toHaveLength(1);
    expect(created).toHaveLength(1);
    expect((await entriesOf([...jobs][0] ?? '')).map(({ name }) => name)).toEqual(['create']);
    await expectClean(arena, []);
    console.info(`set-ups: ${attempts.length} acknowledged, ${jobs.size} job, 1 create`);
  });
});
