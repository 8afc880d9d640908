import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchivePathRefused, defineMachine } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { pipeline, useWorld } from './world.ts';

const world = useWorld();
const free = defineMachine({
  name: 'free',
  version: '1',
  machine: setup({}).createMachine({ id: 'free', initial: 'open', states: { open: {} } }),
  input: z.looseObject({}),
  events: {},
});

describe('an explicit archive path', () => {
  it('may not hold the directories of jobs without a pipeline', async () => {
    const manager = await world.open({ machines: [free] });
    const job = await manager.setup('free');
    const around = dirname(dirname(dirname(job.archiveDirectory))).endsWith('v2')
      ? dirname(dirname(job.archivePath))
      : '';
    expect(around).toBe('/products/v2/_free');
    await world.refusal(undefined, ArchivePathRefused, () => world.newJob({ archivePath: around }));
  });

  it('keeps a pipeline that is registered later from the same directory', async () => {
    await world.newJob({ archivePath: '/products/v2/later' });
    await world.manager.pipelines.put('la-ter');
    const error = await world.refusal(undefined, ArchivePathRefused, () =>
      world.manager.setup('pipelineJob', { pipeline: 'la-ter' }),
    );
    expect(error.path).toBe('/products/v2/later');
  });

  it('may not hold the directories of a registered pipeline', async () => {
    const path = `/products/v2/${pipeline.replaceAll('-', '')}`;
    await world.refusal(undefined, ArchivePathRefused, () => world.newJob({ archivePath: path }));
  });

  it('is refused where it runs through a link, before anything is stored', async () => {
    const root = join(world.options.archiveRoot, 'products', 'v2');
    await mkdir(root, { recursive: true });
    await symlink(world.options.home, join(root, 'linked'));
    await world.refusal(undefined, ArchivePathRefused, () =>
      world.newJob({ archivePath: '/products/v2/linked/job' }),
    );
  });
});
