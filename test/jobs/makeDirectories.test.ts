import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchivePathRefused, EffectFailed, InvalidConfiguration, type JobManager } from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { pipeline, useWorld } from '../scenarios/world.ts';

const world = useWorld();
let manager: JobManager;
let root: string;

beforeAll(async () => {
  root = world.options.archiveRoot;
  manager = await world.open({ makeDirectories: false });
});

const reset = { reason: 'again' };
const newJob = async (name: string, archivePath?: string) => {
  const input = { pipeline, data: { name }, ...(archivePath !== undefined && { archivePath }) };
  const { id } = await manager.setup('pipelineJob', input);
  return manager.job(id, { token: world.adminToken });
};

describe('a process that makes no directories', () => {
  it('touches no file when a job is set up, and a reset makes the directory', async () => {
    const job = await newJob('unmade');
    expect(existsSync(root)).toBe(false);
    await job.send('run');
    await job.reset(reset);
    expect(await readdir(job.archiveDirectory)).toEqual([]);
  });

  it('empties at a reset what somebody else has made and filled', async () => {
    const job = await newJob('filled');
    await mkdir(job.archiveDirectory, { recursive: true });
    await writeFile(join(job.archiveDirectory, 'result.csv'), '1');
    await job.send('run');
    await job.reset(reset);
    expect(await readdir(job.archiveDirectory)).toEqual([]);
  });

  it('meets a link in the way at the reset, which is refused before anything is touched', async () => {
    const outside = join(world.options.home, 'outside');
    await mkdir(join(outside, 'job'), { recursive: true });
    await writeFile(join(outside, 'job', 'precious'), '1');
    await mkdir(join(root, 'products/v2'), { recursive: true });
    await symlink(outside, join(root, 'products/v2/linked'));
    const job = await newJob('linked', '/products/v2/linked/job');
    await job.send('run');
    await expect(job.reset(reset)).rejects.toThrow(EffectFailed);
    expect((await job.refresh()).state).toBe('RESET');
    expect(await readdir(join(outside, 'job'))).toEqual(['precious']);
  });

  it('still refuses unsafe paths and those of other jobs', async () => {
    const taken = '/products/v2/taken/job';
    await newJob('first', taken);
    for (const path of ['/uploads/precious', '/products/v2/../x', taken, dirname(taken)]) {
      await expect(newJob('second', path)).rejects.toThrow(ArchivePathRefused);
    }
  });
});

describe('the setting JOBWRIGHT_MAKE_DIRECTORIES', () => {
  const read = (text?: string) => readConfig({}, { JOBWRIGHT_MAKE_DIRECTORIES: text });

  it('is true unless told otherwise, and the option wins', () => {
    const values = [read(), read('true'), read('false')].map((each) => each.makeDirectories);
    expect(values).toEqual([true, true, false]);
    const env = { JOBWRIGHT_MAKE_DIRECTORIES: 'true' };
    expect(readConfig({ makeDirectories: false }, env).makeDirectories).toBe(false);
  });

  it.each(['yes', '1', 'TRUE', ''])('is refused where it is %j', (text) => {
    expect(() => read(text)).toThrow(InvalidConfiguration);
    expect(() => read(text)).toThrow('JOBWRIGHT_MAKE_DIRECTORIES');
    expect(() => read(text)).toThrow('true or false');
  });
});
