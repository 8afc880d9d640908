import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ArchivePathRefused,
  InvalidData,
  JobManager,
  ParentNotFound,
  PipelineNotFound,
  UnknownMachine,
  defineMachine,
  type SetupInput,
  type SetupOutcome,
} from 'jobwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { testDatabase } from '../support/database.ts';

const lamp = defineMachine({
  name: 'lamp',
  version: '1',
  input: z.object({ room: z.string() }),
  events: { press: z.object({ by: z.string() }) },
  machine: setup({}).createMachine({
    id: 'lamp',
    initial: 'off',
    states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' } } },
  }),
});

const home = mkdtempSync(join(tmpdir(), 'jobwright-many-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const { uri, database } = testDatabase();
// Shared by managers: none of them closes it.
const memory = { ...createMemoryStore(), close: async () => undefined };
const options = {
  home,
  secrets: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  machines: [lamp],
  makeDirectories: false,
  background: false,
  logLevel: 'silent',
} as const;
const openOn = {
  mongod: () => JobManager.open({ ...options, mongodb: uri, database }),
  memory: () => JobManager.open({ ...options, store: memory }),
};

const pipeline = 'many';
/** Set-ups that no other test has. */
const inputsOf = (batch: string, count: number): SetupInput[] =>
  Array.from({ length: count }, (_, nr) => ({ pipeline, data: { batch, nr } }));

/** Outcomes in short: of a refused one, its error. */
const told = (outcomes: readonly SetupOutcome<unknown>[]) =>
  outcomes.map((each) => (each.outcome === 'refused' ? each.error.code : each.outcome));
const jobsOf = <Job>(outcomes: readonly SetupOutcome<Job>[]): Job[] =>
  outcomes.flatMap((each) => (each.outcome === 'refused' ? [] : [each.job]));
const idsOf = (outcomes: readonly SetupOutcome<{ readonly id: string }>[]) =>
  jobsOf(outcomes).map(({ id }) => id);

const times = <Value>(count: number, value: Value): Value[] =>
  Array.from({ length: count }, () => value);
const countUp = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

interface Commit {
  readonly job: string;
  readonly entries: readonly { readonly name: string }[];
}

async function readLog(manager: Pick<JobManager, 'export'>): Promise<Commit[]> {
  const lines: string[] = [];
  for await (const line of manager.export()) lines.push(line);
  // The first line names the format, the last one counts.
  return lines.slice(1, -1).map((line) => JSON.parse(line) as Commit);
}

/** How many `create` the log has for each of these jobs. */
async function createsOf(manager: Pick<JobManager, 'export'>, ids: readonly string[]) {
  const creates = new Map(ids.map((id) => [id, 0]));
  for (const { job, entries } of await readLog(manager)) {
    const created = entries.filter(({ name }) => name === 'create').length;
    creates.set(job, (creates.get(job) ?? 0) + created);
  }
  return ids.map((id) => creates.get(id));
}

/** The ids of all jobs of the pipeline, page by page. */
async function listAll(manager: Pick<JobManager, 'list'>): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const { jobs, next } = await manager.list({ pipeline }, { limit: 500, cursor });
    for (const { id } of jobs) ids.add(id);
    cursor = next;
  } while (cursor !== undefined);
  return ids;
}

describe.each(['mongod', 'memory'] as const)('many set-ups at once, on %s', (place) => {
  type Manager = Awaited<ReturnType<(typeof openOn)['mongod']>>;
  let manager: Manager;
  let other: Manager;

  beforeAll(async () => {
    manager = await openOn[place]();
    other = await openOn[place]();
    await manager.pipelines.put(pipeline);
  });
  afterAll(async () => {
    await manager.engine.projector.flush();
    await other.engine.projector.flush();
    const { problems } = await manager.verify();
    await other.close();
    await manager.close();
    expect(problems).toEqual([]);
  });

  it('make three thousand jobs of one call, each created once, told in the order of the inputs', async () => {
    const before = (await manager.counts())['pipelineJob']?.['CREATED'] ?? 0;
    const inputs = inputsOf('thousands', 3_000);
    const outcomes = await manager.setupMany('pipelineJob', inputs);
    expect(told(outcomes)).toEqual(times(3_000, 'created'));
    expect(outcomes.map(({ index }) => index)).toEqual(countUp(3_000));
    expect(jobsOf(outcomes).map(({ data }) => data)).toEqual(inputs.map(({ data }) => data));
    const ids = idsOf(outcomes);
    expect(new Set(ids).size).toBe(3_000);
    expect(await createsOf(manager, ids)).toEqual(times(3_000, 1));

    await manager.engine.projector.flush();
    const counts = await other.counts({ type: 'pipelineJob' });
    expect(counts['pipelineJob']?.['CREATED']).toBe(before + 3_000);
    const listed = await listAll(other);
    expect(ids.filter((id) => !listed.has(id))).toEqual([]);
  });

  it('find what is there already, also by the same call', async () => {
    const [first = {}, second = {}, third = {}] = inputsOf('twice', 3);
    const there = await other.setup('pipelineJob', third);
    const outcomes = await manager.setupMany('pipelineJob', [first, second, first, third, first]);
    const [one = '', two = '', three, four = '', five] = idsOf(outcomes);
    expect([three, five, four]).toEqual([one, one, there.id]);
    expect(told([0, 2, 4].flatMap((index) => outcomes[index] ?? [])).sort()).toEqual([
      'created',
      'existing',
      'existing',
    ]);
    expect(told(outcomes)[3]).toBe('existing');
    expect(await createsOf(manager, [one, two, four])).toEqual([1, 1, 1]);

    const again = await other.setupMany('pipelineJob', [first, second, third]);
    expect(told(again)).toEqual(times(3, 'existing'));
    expect(idsOf(again)).toEqual([one, two, four]);
    expect(await createsOf(manager, [one, two, four])).toEqual([1, 1, 1]);
  });

  it('keep nothing from the others where one is refused, and say why', async () => {
    const good = inputsOf('refusals', 6);
    // Its type alone would refuse it where it stands.
    const unknownField = { ...good[0], colour: 'red' };
    const given: readonly SetupInput[] = [
      ...good.slice(0, 3),
      unknownField,
      { data: { batch: 'refusals', nr: 'without a pipeline' } },
      { pipeline: 'nowhere', data: { batch: 'refusals' } },
      { ...good[1], parents: 'nobody' },
      { ...good[2], archivePath: '/uploads/precious' },
      ...good.slice(3),
    ];
    const before = await readLog(manager);
    const outcomes = await manager.setupMany('pipelineJob', given);
    expect(told(outcomes)).toEqual([
      ...times(3, 'created'),
      'INVALID_DATA',
      'INVALID_DATA',
      'PIPELINE_NOT_FOUND',
      'PARENT_NOT_FOUND',
      'ARCHIVE_PATH_REFUSED',
      ...times(3, 'created'),
    ]);
    expect(outcomes.map(({ index }) => index)).toEqual(countUp(given.length));
    const errors = outcomes.flatMap((each) => (each.outcome === 'refused' ? [each.error] : []));
    const kinds = [InvalidData, InvalidData, PipelineNotFound, ParentNotFound, ArchivePathRefused];
    expect(errors.map(({ constructor }) => constructor)).toEqual(kinds);
    expect(errors[0]?.message).toContain('colour');
    expect(errors[1]?.message).toContain('pipeline_uuid is required');
    expect(await readLog(manager)).toHaveLength(before.length + 6);
  });

  it('give one directory to one of the jobs that ask for it', async () => {
    const archivePath = '/products/v2/contested/job';
    const inputs = inputsOf('contested', 5).map((input) => ({ ...input, archivePath }));
    const outcomes = await manager.setupMany('pipelineJob', inputs);
    expect(told(outcomes).sort()).toEqual([...times(4, 'ARCHIVE_PATH_REFUSED'), 'created']);
    expect(jobsOf(outcomes)[0]?.archivePath).toBe(archivePath);
  });

  it('are refused each where the machine is unknown', async () => {
    const outcomes = await manager.setupMany('toaster', inputsOf('toaster', 3));
    expect(told(outcomes)).toEqual(times(3, 'UNKNOWN_MACHINE'));
    expect(outcomes.map((each) => each.outcome === 'refused' && each.error)).toEqual(
      times(3, expect.any(UnknownMachine)),
    );
  });

  it('come to nothing where none is asked for', async () => {
    expect(await manager.setupMany('pipelineJob', [])).toEqual([]);
  });

  it('create each job once where two processes set up overlapping ones at once', async () => {
    const inputs = inputsOf('overlap', 750);
    const [mine, theirs] = await Promise.all([
      manager.setupMany('pipelineJob', inputs.slice(0, 500)),
      other.setupMany('pipelineJob', inputs.slice(250)),
    ]);
    expect(idsOf(theirs).slice(0, 250)).toEqual(idsOf(mine).slice(250));
    const ids = [...new Set([...idsOf(mine), ...idsOf(theirs)])];
    expect(ids).toHaveLength(750);
    expect(told([...mine, ...theirs]).sort()).toEqual([
      ...times(750, 'created'),
      ...times(250, 'existing'),
    ]);
    expect(await createsOf(manager, ids)).toEqual(times(750, 1));
  });

  it('give handles that send events', async () => {
    const rooms = ['hall', 'attic', 'cellar'];
    const outcomes = await manager.setupMany(
      'lamp',
      rooms.map((room) => ({ data: { room } })),
    );
    const lamps = jobsOf(outcomes);
    await Promise.all(lamps.map((each) => each.press({ by: 'ada' })));
    expect(lamps.map(({ state, version }) => `${state} ${version}`)).toEqual(times(3, 'on 2'));
    const [one] = jobsOf(await other.setupMany('pipelineJob', inputsOf('events', 1)));
    await one?.run().update({ percent: 50 }).finish();
    expect((await manager.job(String(one?.id))).state).toBe('FINISHED');
  });
});
