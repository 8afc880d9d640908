import { access } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ArchivePathRefused,
  InvalidData,
  MachineFault,
  MixedParents,
  ParentNotFound,
  Unauthenticated,
  defineMachine,
  type EventsOf,
  type SetupInput,
} from 'jobwright';
import { setup as setupMachine } from 'xstate';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { caught, historyOf, namesOf, pipeline, useWorld } from './world.ts';

const world = useWorld();
const setup = (input: SetupInput) => world.manager.setup('pipelineJob', { pipeline, ...input });
const uuid = '7d0c3a52-6a7e-4d9b-8a35-1f0c7c1d2e3f';

/** A machine that wants a title, needs no pipeline, and cannot start with the title `bad`. */
const events = { touch: z.looseObject({}).optional() };
const input = z.object({ title: z.string(), pages: z.number().default(1) });
const note = defineMachine({
  name: 'note',
  version: '1',
  input,
  events,
  machine: setupMachine({
    types: { events: {} as EventsOf<typeof events>, input: {} as z.output<typeof input> },
  }).createMachine({
    id: 'note',
    context: ({ input: { title } }) => {
      if (title === 'bad') throw new Error('no such title');
      return { title };
    },
    initial: 'open',
    states: { open: { on: { touch: 'open' } } },
  }),
});

beforeAll(async () => {
  const { documents, pipelines } = world.manager;
  await pipelines.put('other-pipeline');
  await documents.put('samples', 's1', { name: 'Taco no. 1' });
  await documents.put('samples', 's2', { name: 'Taco no. 2' });
  await documents.put('samples', 's3', { name: 'twice' });
  await documents.put('experiments', 'e1', { name: 'Lunch' });
  await documents.put('experiments', 'e2', { name: 'twice' });
});

describe('the identity of a job', () => {
  const data = { a: 2, b: [1, { c: null, d: 'x' }] };
  const parents = ['s1', 's2'];

  it.each<readonly [string, SetupInput]>([
    ['the order of keys', { data: { b: [1, { d: 'x', c: null }], a: 2 } }],
    ['the order of parents', { parents: ['s2', 's1'] }],
    ['a parent that is named twice', { parents: ['s1', 's2', 'Taco no. 2', 'samples:s1'] }],
    ['session, agent and task', { session: 's', agent: 'a', task: 't' }],
    ['the archive path', { archivePath: '/products/v2/not-part-of-it' }],
    ['being instanced', { instanced: true, session: 'other' }],
    ['tags', { tags: ['a', 'b'] }],
  ])('does not depend on %s', async (_what, change) => {
    const { id } = await setup({ parents, data });
    expect((await setup({ parents, data, ...change })).id).toBe(id);
  });

  it.each<readonly [string, SetupInput]>([
    ['the type of a value', { data: { ...data, a: '2' } }],
    ['the order of a list', { data: { ...data, b: [{ c: null, d: 'x' }, 1] } }],
    ['null and nothing', { data: { ...data, none: null } }],
    ['a parent', { parents: ['s1'] }],
    ['having parents', { parents: [] }],
    ['the pipeline', { pipeline: 'other-pipeline' }],
  ])('depends on %s', async (_what, change) => {
    const { id } = await setup({ parents, data });
    expect((await setup({ parents, data, ...change })).id).not.toBe(id);
  });

  it('depends on the machine, and takes defaults for given', async () => {
    const manager = await world.open({ machines: [note] });
    const { id } = await manager.setup('note', { data: { title: 'x' } });
    expect((await manager.setup('note', { data: { pages: 1, title: 'x' } })).id).toBe(id);
    const other = await manager.setup('pipelineJob', { pipeline, data: { title: 'x', pages: 1 } });
    expect(other.id).not.toBe(id);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('is the same for what says nothing: no data, null, an empty mapping; no parents, none', async () => {
    const ids = await Promise.all(
      [{}, { data: null }, { data: {} }, { parents: null }, { parents: [] }].map(setup),
    );
    expect(new Set(ids.map(({ id }) => id)).size).toBe(1);
  });
});

describe('a set-up', () => {
  it('is done once though it is asked for a hundred times at once, by two managers', async () => {
    const other = await world.open();
    const jobs = await Promise.all(
      Array.from({ length: 100 }, (_, place) =>
        (place % 2 ? world.manager : other).setup('pipelineJob', {
          pipeline,
          data: { at: 'once' },
        }),
      ),
    );
    expect(new Set(jobs.map(({ id, version }) => `${id} ${version}`)).size).toBe(1);
    const { commits } = await world.stored(jobs[0]?.id ?? '');
    expect(commits).toHaveLength(1);
    await access(jobs[0]?.archiveDirectory ?? '');
  });

  it('keeps what it said first', async () => {
    const said = { session: 's', agent: 'agave://a', task: 't', tags: ['x', 'y'] };
    const job = await setup({ data: { first: 1 }, ...said });
    expect(job.view()).toMatchObject({ ...said, pipeline, type: 'pipelineJob', typeVersion: '1' });
    const again = await setup({ data: { first: 1 }, session: 'later', tags: [] });
    expect(again.view()).toEqual(job.view());
  });

  it('can be made of a machine that needs no pipeline', async () => {
    const manager = await world.open({ machines: [note] });
    const job = await manager.setup('note', { data: { title: 'no pipeline' } });
    expect(job.view()).toMatchObject({ pipeline: null, data: { title: 'no pipeline', pages: 1 } });
    expect(job.archivePath).toMatch(/^\/products\/v2\/_note\//);
  });

  it('stores nothing where the machine cannot start', async () => {
    const manager = await world.open({ machines: [note] });
    const archivePath = '/products/v2/for-nothing';
    await world.refusal(undefined, MachineFault, () =>
      manager.setup('note', { data: { title: 'bad' }, archivePath }),
    );
    expect((await setup({ data: { its: 'path' }, archivePath })).archivePath).toBe(archivePath);
  });

  it.each<readonly [string, unknown, string]>([
    ['an unknown option', { pipelin: 1 }, 'setup'],
    ['a session that is no text', { session: 5 }, 'setup.session'],
    ['an agent with half a character', { agent: 'a\ud800' }, 'setup.agent'],
    ['a task with NUL', { task: 'a\0' }, 'setup.task'],
    ['an empty session', { session: '' }, 'setup.session'],
    ['tags that are no list', { tags: 'x' }, 'setup.tags'],
    ['a tag that is no text', { tags: ['x', 5] }, 'setup.tags.1'],
    ['instanced that is neither', { instanced: 'yes' }, 'setup.instanced'],
    ['a parent that is no text', { parents: ['s1', 5] }, 'parents.1'],
    ['an empty parent', { parents: '' }, 'parents.0'],
    ['parents in a mapping', { parents: { id: 's1' } }, 'parents.0'],
    ['a pipeline that is no text', { pipeline: {} }, 'setup.pipeline'],
  ])('is refused with %s', async (_what, wrong, path) => {
    const error = await world.refusal(undefined, InvalidData, () => setup(wrong as SetupInput));
    expect(error.issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('is refused where it is no mapping', async () => {
    for (const nothing of [null, 5, 'text', []]) {
      const attempt = () => world.manager.setup('pipelineJob', nothing as unknown as SetupInput);
      await world.refusal(undefined, InvalidData, attempt);
    }
  });
});

describe('parents', () => {
  it.each<readonly [string, string | string[], string[]]>([
    ['an id', 's1', ['s1']],
    ['a name', 'Taco no. 2', ['s2']],
    ['a collection and an id', 'samples:s1', ['s1']],
    ['a collection and a name', ['experiments:Lunch'], ['e1']],
    ['a name that only its collection makes clear', 'experiments:twice', ['e2']],
    ['several, sorted, each once', ['Taco no. 2', 's1', 's2', 'samples:Taco no. 1'], ['s1', 's2']],
    ['a UUID, without a look-up', uuid, [uuid]],
    ['a UUID beside a document', ['s1', uuid], [uuid, 's1']],
  ])('are found by %s', async (_what, parents, childOf) => {
    const job = await setup({ parents });
    expect(job.links.child_of).toEqual(childOf);
  });

  it('may be given as a UUID of upper case, which means the same', async () => {
    const job = await setup({ parents: uuid.toUpperCase() });
    expect(job.links.child_of).toEqual([uuid]);
    expect((await setup({ parents: uuid })).id).toBe(job.id);
  });

  it.each([
    'nobody',
    `${uuid}0`,
    uuid.slice(1),
    uuid.replaceAll('-', ''),
    `{${uuid}}`,
    'samples:nobody',
    'experiments:s1',
    'jobs:s1',
    ' s1',
    '$where',
  ])('that nothing is called are refused: %s', async (parent) => {
    const error = await world.refusal(undefined, ParentNotFound, () =>
      setup({ parents: ['s1', parent] }),
    );
    expect(error).toMatchObject({ code: 'PARENT_NOT_FOUND', parent });
  });

  it.each<readonly [string, string | string[]]>([
    ['two collections', ['s1', 'e1']],
    ['two collections, by name', ['Taco no. 1', 'Lunch']],
    ['two collections beside a UUID', [uuid, 's1', 'e1']],
    ['a name that two collections have', 'twice'],
  ])('of %s are refused', async (_what, parents) => {
    const error = await world.refusal(undefined, MixedParents, () => setup({ parents }));
    expect(error.parents).toEqual([parents].flat());
    expect(error.collections.toSorted()).toEqual(['experiments', 'samples']);
  });
});

describe('a job that ended and is set up again', () => {
  it.each(['cancel', 'delete'] as const)('goes on counting after a %s', async (way) => {
    const data = { again: way };
    const first = await setup({ data });
    const { token } = first;
    const { archivePath } = first;
    if (way === 'cancel') await first.cancel();
    else await (await first.run()).delete({ token: world.adminToken, reason: 'over' });
    const last = way === 'cancel' ? 2 : 3;

    const again = await setup({ data });

    expect(again.id).toBe(first.id);
    expect(again.archivePath).toBe(archivePath);
    expect(again.view()).toMatchObject({ state: 'CREATED', version: last + 1 });
    expect((await historyOf(again)).map(({ seq, name }) => [seq, name])).toEqual([
      [last + 1, 'create'],
    ]);
    const dead = await caught(() => world.manager.job(again.id, { token }));
    expect(dead).toBeInstanceOf(Unauthenticated);
    const own = await world.manager.job(again.id, { token: again.token });
    expect((await own.run()).version).toBe(last + 2);
    expect(await namesOf(await (await world.open()).job(again.id))).toBe('create run');
  });
});

it('refuses a set-up whose path cannot be made safe, and stores nothing', async () => {
  const path = join('/products/v2', '..', 'elsewhere');
  await world.refusal(undefined, ArchivePathRefused, () => setup({ archivePath: path }));
});
