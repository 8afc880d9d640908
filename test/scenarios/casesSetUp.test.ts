import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  InvalidData,
  ManagedPipelineJob,
  MixedParents,
  ParentNotFound,
  PipelineNotFound,
} from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { namesOf, pipeline, useWorld } from './world.ts';

const world = useWorld();
const setup = (input: object) => world.manager.setup('pipelineJob', { pipeline, ...input });

beforeAll(async () => {
  const { documents } = world.manager;
  await documents.put('samples', 's1', { name: 'Taco no. 1' });
  await documents.put('experiments', 'e1', { name: 'Lunch' });
  await documents.put('files', 'f1', { uri: 'agave://data-sd2e/products/one.csv' });
  await documents.put('files', 'f2', { uri: 'agave://data-sd2e/products/two.csv' });
  await documents.put('files', 'f3', { uri: 'agave://data-sd2e/uploads/bare.csv' });
});

describe('identity', () => {
  it('attaches to a job that runs already, and adds no second create (case 33)', async () => {
    const input = { parents: 's1', data: { case: 33 } };
    const first = await setup(input);
    await first.run();
    const before = await world.stored(first.id);
    const again = await setup(input);
    expect(again.view()).toEqual(first.view());
    expect(again.state).toBe('RUNNING');
    expect(await world.stored(first.id)).toEqual(before);

    const other = await world.open();
    const racing = await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        (place % 2 ? world.manager : other).setup('pipelineJob', { pipeline, data: { race: 33 } }),
      ),
    );
    expect(new Set(racing.map(({ id }) => id)).size).toBe(1);
    const [job] = racing;
    expect(job && (await namesOf(job))).toBe('create');
  });

  it('does not depend on the order of keys, and does on each value (case 34)', async () => {
    const { id } = await setup({ data: { a: 2, b: 1 } });
    expect((await setup({ data: { b: 1, a: 2 } })).id).toBe(id);
    expect((await setup({ data: { a: 2, b: 2 } })).id).not.toBe(id);
  });
});

describe('a set-up is refused and nothing is stored', () => {
  it('for a pipeline that is not registered, which it names (case 37)', async () => {
    const unknown = '00000000-0000-5000-8000-000000000000';
    const error = await world.refusal(undefined, PipelineNotFound, () =>
      setup({ pipeline: unknown }),
    );
    expect(error.pipeline).toBe(unknown);
    expect(error.message).toContain(unknown);
  });

  it('without a pipeline (case 37)', async () => {
    const error = await world.refusal(undefined, InvalidData, () => setup({ pipeline: undefined }));
    expect(error.issues).toEqual([{ path: 'pipeline', message: 'pipeline_uuid is required' }]);
    expect(error.message).toContain('pipeline_uuid is required');

    const job = new ManagedPipelineJob({ ...world.options, pipelines: {} });
    await expect(job.setup()).rejects.toThrow('pipeline_uuid is required');
    await job.close();
  });

  it('for a parent that nothing resolves (case 38)', async () => {
    const error = await world.refusal(undefined, ParentNotFound, () =>
      setup({ parents: ['s1', 'nobody'] }),
    );
    expect(error.parent).toBe('nobody');
  });

  it('for parents of two types in one list (case 39)', async () => {
    const error = await world.refusal(undefined, MixedParents, () =>
      setup({ parents: ['Taco no. 1', 'e1'] }),
    );
    expect(error.parents).toEqual(['Taco no. 1', 'e1']);
  });
});

describe('inputs', () => {
  it('in a list resolve by full URIs only, in a mapping by bare managed paths too (case 42)', async () => {
    const list = await setup({
      data: {
        inputs: [
          'agave://data-sd2e/products/one.csv',
          'agave://data-sd2e/products/two.csv',
          '/uploads/bare.csv',
        ],
      },
    });
    expect(list.links.acted_on).toEqual(['f1', 'f2']);
    const mapping = await setup({ data: { inputs: { file: '/uploads/bare.csv' } } });
    expect(mapping.links.acted_on).toEqual(['f3']);
  });

  it('may have pattern lists that are absent, empty or null (case 43)', async () => {
    for (const [number, patterns] of [undefined, [], null].entries()) {
      const lists =
        patterns === undefined ? {} : { archive_patterns: patterns, product_patterns: patterns };
      const job = await setup({ data: { case: 43, number, ...lists } });
      expect(job.state).toBe('CREATED');
      expect(job.data).toEqual({ case: 43, number, ...lists });
    }
  });
});

describe('an archive path', () => {
  const owner = pipeline.replaceAll('-', '');

  it('follows from what the job is (case 45)', async () => {
    const { archivePath } = await setup({ data: { case: 45 }, session: 'one' });
    expect(archivePath).toMatch(new RegExp(`^/products/v2/${owner}/[0-9a-f]{32}/[0-9a-f]{32}$`));
    await (await setup({ data: { case: 45 } })).cancel();
    expect((await setup({ data: { case: 45 }, session: 'two' })).archivePath).toBe(archivePath);
  });

  it('has a directory of its own for each run where it is instanced (case 45)', async () => {
    const usual = await setup({ data: { instanced: 45 } });
    await usual.cancel();
    const { archivePath } = await setup({
      data: { instanced: 45 },
      instanced: true,
      session: 'brave-tiger',
    });
    expect(archivePath.startsWith(`${usual.archivePath}/brave-tiger-`)).toBe(true);
    expect(archivePath).toMatch(/-\d{8}T\d{6}Z$/);
  });

  it('is taken as it is given (case 45)', async () => {
    const archivePath = '/products/v2/by-hand/Run-1 of 2';
    const job = await setup({ data: { explicit: 45 }, archivePath });
    expect(job.archivePath).toBe(archivePath);
    await writeFile(join(job.archiveDirectory, 'result.csv'), 'it is there');
    expect(job.archiveDirectory).toBe(join(world.options.archiveRoot, archivePath));
  });
});
