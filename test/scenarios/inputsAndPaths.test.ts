import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchivePathRefused, EffectFailed, type SetupInput } from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { pipeline, useWorld } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:05:06.789Z' });
const setup = (input: SetupInput) => world.manager.setup('pipelineJob', { pipeline, ...input });

beforeAll(async () => {
  const { documents } = world.manager;
  await documents.put('files', 'one', { uri: 'agave://data/products/one.csv' });
  await documents.put('files', 'two', { uri: 'agave://data/uploads/two.csv', name: 'two' });
  await documents.put('files', 'three', { path: '/products/v2/three.csv' });
  await documents.put('references', 'page', { uri: 'https://example.org/tacos?q=1' });
  await documents.put('references', 'genome', { uri: 'agave://data/reference/genome.fa' });
  await documents.put('samples', 'sample', { uri: 'agave://data/products/sample.csv' });
});

describe('what data.inputs and data.parameters speak of', () => {
  const one = 'agave://data/products/one.csv';
  const two = 'agave://data/uploads/two.csv';
  it.each<readonly [string, Record<string, unknown>, string[], string[]]>([
    ['URIs in a list', { inputs: [one, two] }, ['one', 'two'], []],
    ['a URI in a mapping', { inputs: { file: one } }, ['one'], []],
    ['bare paths in a mapping', { inputs: { a: '/uploads/two.csv' } }, ['two'], []],
    ['a path in a document of its own', { inputs: { a: '/products/v2/three.csv' } }, ['three'], []],
    ['no bare paths in a list', { inputs: ['/uploads/two.csv', '/products/one.csv'] }, [], []],
    ['a list in a mapping', { inputs: { all: [one, '/uploads/two.csv'] } }, ['one'], []],
    ['a mapping in a list', { inputs: [{ file: '/uploads/two.csv' }] }, ['two'], []],
    ['parameters', { parameters: { db: two } }, ['two'], []],
    [
      'each once',
      { inputs: [one, one], parameters: { x: one, y: '/products/one.csv' } },
      ['one'],
      [],
    ],
    ['references', { inputs: ['agave://data/reference/genome.fa'] }, [], ['genome']],
    ['web pages', { parameters: { see: 'https://example.org/tacos?q=1' } }, [], ['page']],
    ['both', { inputs: { a: one, b: '/reference/genome.fa' } }, ['one'], ['genome']],
    ['no other collection', { inputs: ['agave://data/products/sample.csv'] }, [], []],
    ['no other field of the data', { files: [one], note: one }, [], []],
    ['nothing that is no text', { inputs: [5, null, true, {}], parameters: { n: 1.5 } }, [], []],
    ['nothing that nobody has', { inputs: ['agave://data/none.csv', '$ne'] }, [], []],
    ['inputs that are neither list nor mapping', { inputs: one, parameters: 7 }, [], []],
  ])('is linked: %s', async (what, data, actedOn, actedUsing) => {
    const job = await setup({ data: { ...data, what } });
    expect(job.links.acted_on).toEqual(actedOn);
    expect(job.links.acted_using).toEqual(actedUsing);
    expect(job.data).toEqual({ ...data, what });
  });

  it('is shown with all eight link fields', async () => {
    const job = await setup({ parents: 'sample', data: { inputs: [one] } });
    expect(job.links).toEqual({
      child_of: ['sample'],
      generated_by: [],
      derived_from: [],
      derived_using: [],
      acted_on: ['one'],
      acted_using: [],
      connects_from: [],
      connects_to: [],
    });
  });
});

describe('an archive path', () => {
  const owner = pipeline.replaceAll('-', '');

  it('tells jobs apart by parents and by data', async () => {
    const [one, two, three] = await Promise.all([
      setup({ data: { path: 1 } }),
      setup({ data: { path: 2 } }),
      setup({ data: { path: 1 }, parents: 'sample' }),
    ]);
    const paths = [one, two, three].map(({ archivePath }) => archivePath.split('/'));
    for (const path of paths) expect(path.slice(0, 4)).toEqual(['', 'products', 'v2', owner]);
    expect(paths[0]?.[4]).toBe(paths[1]?.[4]);
    expect(paths[0]?.[4]).not.toBe(paths[2]?.[4]);
    expect(new Set(paths.map((path) => path[5])).size).toBeGreaterThan(1);
    expect(await readdir(one.archiveDirectory)).toEqual([]);
  });

  it('ends in session and time where it is instanced', async () => {
    const job = await setup({ data: { path: 3 }, instanced: true, session: 'brave-tiger' });
    expect(job.archivePath).toMatch(
      /^\/products\/v2\/\w+\/\w+\/\w+\/brave-tiger-20261116T090506Z$/,
    );
    const nameless = await setup({ data: { path: 4 }, instanced: true });
    expect(nameless.archivePath).toMatch(/\/[^/]+-20261116T090506Z$/);
  });

  it.each<readonly [string, string]>([
    ['another prefix', '/uploads/precious'],
    ['the root', '/'],
    ['the prefix', '/products/v2'],
    ['the prefix with a slash', '/products/v2/'],
    ['what only begins like it', '/products/v2x/a'],
    ['a way out', '/products/v2/../../etc'],
    ['a way out that comes back', '/products/v2/a/../b'],
    ['a dot', '/products/v2/./a'],
    ['an encoded way out', '/products/v2/%2e%2e/a'],
    ['a backslash', '/products/v2/..\\..\\etc'],
    ['wide dots', '/products/v2/．．/a'],
    ['an empty segment', '/products/v2//a'],
    ['a relative path', 'products/v2/a'],
    ['NUL', '/products/v2/a\0b'],
    ['nothing', ''],
    ['the directory of a pipeline', `/products/v2/${owner}`],
    ['the shape of a usual path', `/products/v2/${owner}/${'0'.repeat(32)}`],
    ['inside a usual path', `/products/v2/x/${'0'.repeat(32)}/${'1'.repeat(32)}/a`],
  ])('may not be %s', async (_what, archivePath) => {
    const error = await world.refusal(undefined, ArchivePathRefused, () =>
      setup({ data: { path: archivePath.replace('\0', 'NUL') }, archivePath }),
    );
    expect(error.code).toBe('ARCHIVE_PATH_REFUSED');
  });

  it('may not be a number or a mapping', async () => {
    for (const archivePath of [5, {}, ['/products/v2/a']] as unknown as string[]) {
      await world.refusal(undefined, ArchivePathRefused, () => setup({ archivePath }));
    }
  });

  it('may not be, hold or lie in that of another job, until that one is gone', async () => {
    const first = await setup({ data: { rival: 1 }, archivePath: '/products/v2/shared/run' });
    const rivals = [
      '/products/v2/shared/run',
      '/products/v2/shared/run/part',
      '/products/v2/shared',
    ];
    for (const [number, archivePath] of [...rivals, '/products/v2/shared/run/'].entries()) {
      const error = await world.refusal(undefined, ArchivePathRefused, () =>
        setup({ data: { rival: 2, number }, archivePath }),
      );
      expect(error.message).toContain(first.id);
    }
    await setup({ data: { rival: 3 }, archivePath: '/products/v2/shared/run2' });
    const same = await setup({ data: { rival: 1 }, archivePath: '/products/v2/shared/run' });
    expect(same.id).toBe(first.id);

    await first.cancel();
    const heir = await setup({ data: { rival: 4 }, archivePath: '/products/v2/shared/run/part' });
    expect(heir.archivePath).toBe('/products/v2/shared/run/part');
  });

  it('is given to one of many that ask for it at once, or to none', async () => {
    for (let round = 0; round < 10; round += 1) {
      const base = `/products/v2/race-${round}`;
      const paths = [base, `${base}/a`, `${base}/a/b`];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, number) =>
          setup({ data: { race: number, round }, archivePath: paths[number % 3] }),
        ),
      );
      const given = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const claims = await world.db.collection('archives').find().toArray();
      const taken = claims.filter(({ _id }) => String(_id).startsWith(base));
      expect(given.length).toBeLessThanOrEqual(1);
      expect(taken.map(({ job }) => job as unknown)).toEqual(given.map(({ id }) => id));
    }
  });

  it('of an attached job is the one it was created with, and the other is left free', async () => {
    const job = await setup({ data: { attached: 1 } });
    const again = await setup({ data: { attached: 1 }, archivePath: '/products/v2/left-free' });
    expect(again.archivePath).toBe(job.archivePath);
    const free = await setup({ data: { attached: 2 }, archivePath: '/products/v2/left-free' });
    expect(free.archivePath).toBe('/products/v2/left-free');
  });

  it('is refused at set-up where a part of it leads out of the root, and nothing is stored', async () => {
    const outside = join(world.options.home, 'elsewhere');
    await mkdir(outside);
    await mkdir(join(world.options.archiveRoot, 'products/v2'), { recursive: true });
    const link = join(world.options.archiveRoot, 'products/v2/link');
    await symlink(outside, link);
    const input = { data: { leads: 'out at once' }, archivePath: '/products/v2/link/run' };
    await world.refusal(undefined, ArchivePathRefused, () => setup(input));
    expect(await readdir(outside)).toEqual([]);
    await rm(link);
    const other = await setup({ ...input, data: { leads: 'nowhere' } });
    expect(other.archivePath).toBe('/products/v2/link/run');
  });

  it('is refused at reset where a part of it leads out of the root, before anything is touched', async () => {
    const job = await setup({ data: { leads: 'out' }, archivePath: '/products/v2/inner/run' });
    const outside = join(world.options.home, 'outside');
    await mkdir(join(outside, 'run'), { recursive: true });
    await writeFile(join(outside, 'run', 'precious'), '1');
    const inner = join(world.options.archiveRoot, 'products/v2/inner');
    await rm(inner, { recursive: true });
    await symlink(outside, inner);
    const reset = job.reset({ token: world.adminToken, reason: 'again' });
    await expect(reset).rejects.toThrow(EffectFailed);
    expect(await readdir(join(outside, 'run'))).toEqual(['precious']);
    expect((await job.refresh()).state).toBe('RESET');
  });
});
