import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { testDatabase } from '../support/database.ts';
import { runMain, secrets, temporaryHome } from './runMain.ts';

const held = 'sequence, hashes and replay hold';

describe('verify on the command line', () => {
  const { uri, database } = testDatabase();
  let env: Record<string, string>;
  let home: string;
  let ids: string[];

  beforeAll(async () => {
    home = await temporaryHome();
    env = {
      JOBWRIGHT_SECRETS: secrets,
      JOBWRIGHT_MONGODB_URI: uri,
      JOBWRIGHT_DATABASE: database,
      JOBWRIGHT_HOME: home,
      JOBWRIGHT_LOG_LEVEL: 'silent',
    };
    const manager = await JobManager.open({
      mongodb: uri,
      database,
      secrets,
      home,
      logLevel: 'silent',
    });
    await manager.pipelines.put('count');
    ids = [];
    for (const nr of [1, 2]) {
      const job = await manager.setup('pipelineJob', { pipeline: 'count', data: { nr } });
      await job.run().update({ page: nr }).finish();
      ids.push(job.id);
    }
    await manager.close();
  });

  it('says in one line that all is well', async () => {
    expect(await runMain(['verify'], env)).toEqual({
      code: 0,
      stdout: `ok: 2 jobs, 0 deleted jobs, 8 entries; ${held}; stored jobs, links, effects and counts follow from them\n`,
      stderr: '',
    });
  });

  it('looks at one job, and says that there is no other', async () => {
    const { code, stdout } = await runMain(['verify', '--job', ids[0] ?? ''], env);
    expect(code).toBe(0);
    expect(stdout).toContain('1 job, 0 deleted jobs, 4 entries');
    const other = await runMain(['verify', '--job', 'nobody'], env);
    expect(other).toMatchObject({ code: 3, stdout: '' });
    expect(other.stderr).toMatch(/^JOB_NOT_FOUND: /);
  });

  it('writes an export that only its owner reads, and verifies that without the database', async () => {
    const file = join(home, 'log.ndjson');
    const both = await runMain(['verify', '--export', file], env);
    expect(both.code).toBe(0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await runMain(['verify', '--file', file])).toEqual({
      code: 0,
      stdout: `ok: 2 jobs, 0 deleted jobs, 8 entries; ${held}\n`,
      stderr: '',
    });
    const text = await readFile(file, 'utf8');
    const forged = join(home, 'forged.ndjson');
    await writeFile(forged, text.replace('\\"page\\":1', '\\"page\\":9'));
    const { code, stdout } = await runMain(['verify', '--file', forged]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}[0-9a-f-]{36} {2}#3 {2}hash {2}.*\nNOT OK: 1 problem in 2 jobs/);
  });

  it('writes the export to stdout, and then the verdict to stderr', async () => {
    const { stdout, stderr } = await runMain(
      ['verify', '--export', '-', '--job', ids[1] ?? ''],
      env,
    );
    expect(stdout.split('\n').map((line) => line.slice(0, 10))).toHaveLength(5);
    expect(stderr).toMatch(/^ok: 1 job/);
  });

  it('prints its report as JSON', async () => {
    const { stdout } = await runMain(['verify', '--json'], env);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      jobs: 2,
      tombstones: 0,
      entries: 8,
      unknownMachines: [],
      problems: [],
      problemCount: 0,
      parked: [],
      parkedCount: 0,
    });
  });

  it('finds a file that is not there, and refuses to mix a file with a job', async () => {
    expect(await runMain(['verify', '--file', join(home, 'none')])).toMatchObject({ code: 3 });
    expect(await runMain(['verify', '--file', 'x', '--job', 'y'])).toMatchObject({ code: 2 });
  });

  it('lists what is wrong with a database, and fails', async () => {
    const client = await MongoClient.connect(uri);
    const [first = ''] = ids;
    const jobs = client.db(database).collection<{ _id: string; state: string }>('jobs');
    await jobs.updateOne({ _id: first }, { $set: { state: 'RETIRED' } });
    const { code, stdout } = await runMain(['verify'], env);
    await jobs.updateOne({ _id: first }, { $set: { state: 'FINISHED' } });
    await client.close();
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: `  ${first}  #4  projection  the stored job is not as the log says: state\nNOT OK: 1 problem in 2 jobs, 0 deleted jobs, 8 entries\n`,
    });
  });
});
