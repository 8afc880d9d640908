import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { testDatabase } from '../support/database.ts';
import { runMain, temporaryHome } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

const statuses = ({ findings }: Report): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, status }) => [check, status]));

const examine = async (env: Record<string, string>): Promise<Report & { code: number }> => {
  const { code, stdout, stderr } = await runMain(['doctor'], env);
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Report) };
};

const nowhere = { JOBWRIGHT_URL: 'http://127.0.0.1:9' };

describe('doctor', () => {
  const { uri, database } = testDatabase();
  let service: Awaited<ReturnType<typeof runningService>>;
  let env: Record<string, string>;
  beforeAll(async () => {
    service = await runningService({ mongodb: uri, database });
    env = { ...service.env, JOBWRIGHT_MONGODB_URI: uri, JOBWRIGHT_DATABASE: database };
  });
  afterAll(() => service.stop());

  it('finds everything well where it is', async () => {
    const report = await examine(env);
    expect(report).toMatchObject({ ok: true, code: 0 });
    expect(statuses(report)).toEqual({
      configuration: 'ok',
      secrets: 'ok',
      database: 'ok',
      indexes: 'ok',
      clock: 'ok',
      processes: 'ok',
      effects: 'ok',
      timers: 'ok',
      archive: 'ok',
      disk: 'ok',
      service: 'ok',
      token: 'ok',
    });
  });

  it('shows a person a line for each, with what to do, and no secret', async () => {
    const secret = env['JOBWRIGHT_SECRETS'] ?? '';
    const { code, stdout } = await runOnTerminal(['doctor', '--url', 'http://127.0.0.1:9'], {
      env,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok {7}configuration/);
    expect(stdout).toMatch(/\nproblem {2}service .*\n +→ start it \(jobwright serve\)/);
    expect(stdout).not.toContain(secret.slice(3));
  });

  it('tells parked effects, overdue timers, missing indexes and silent processes', async () => {
    const client = await MongoClient.connect(uri);
    const db = client.db(database);
    const long = new Date(Date.now() - 3_600_000);
    await db.collection<{ _id: string }>('effects').insertOne({
      _id: 'j:1:0',
      job: 'j',
      status: 'parked',
      error: 'no such directory',
      effect: { type: 'clearArchive' },
    } as { _id: string });
    await db
      .collection<{ _id: string }>('jobs')
      .insertOne({ _id: 'late', wakeAt: long } as { _id: string });
    await db.collection('commits').dropIndex('repair');
    const silent = { _id: 'gone', beatAt: long, projectedUntil: new Date() };
    await db.collection<{ _id: string }>('processes').insertOne(silent);
    const report = await examine(env);
    await Promise.all(
      ['effects', 'jobs'].map((name) =>
        db.collection(name).deleteMany({ _id: { $in: ['j:1:0', 'late'] as never[] } }),
      ),
    );
    await db.collection('commits').createIndex({ process: 1, at: 1 }, { name: 'repair' });
    await client.close();
    expect(report).toMatchObject({ ok: false, code: 1 });
    const found = (check: string) => report.findings.find((finding) => finding.check === check);
    expect(found('effects')).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('clearArchive of j (no such directory)') as string,
    });
    expect(found('timers')).toMatchObject({
      status: 'problem',
      detail: expect.stringContaining('late') as string,
    });
    expect(found('indexes')).toMatchObject({
      status: 'warning',
      detail: 'missing: commits.repair',
    });
  });

  it('does not fall over what is missing, and makes nothing', async () => {
    const home = join(await temporaryHome(), 'none');
    const report = await examine({ ...nowhere, JOBWRIGHT_HOME: home });
    expect(report).toMatchObject({ ok: false, code: 1 });
    expect(statuses(report)).toMatchObject({
      configuration: 'ok',
      secrets: 'problem',
      database: 'warning',
      archive: 'ok',
      service: 'problem',
    });
    for (const { status, action } of report.findings) {
      if (status !== 'ok') expect(action).toBeTruthy();
    }
  });

  it('tells an unreachable database without its password', async () => {
    const home = await temporaryHome();
    const { code, stdout } = await runMain(['doctor'], {
      ...nowhere,
      JOBWRIGHT_HOME: home,
      JOBWRIGHT_MONGODB_URI: 'mongodb://ada:password@127.0.0.1:9/?serverSelectionTimeoutMS=50',
    });
    expect(code).toBe(1);
    expect(statuses(JSON.parse(stdout) as Report)).toMatchObject({ database: 'problem' });
    expect(stdout).not.toContain('password');
  });

  it.each([
    ['JOBWRIGHT_DATABASE', 'not a name', 'configuration'],
    ['JOBWRIGHT_SECRETS', 'k1:c2hvcnQ=', 'secrets'],
    ['JOBWRIGHT_MONGODB_URI', 'nonsense', 'database'],
    ['JOBWRIGHT_TOKEN_FILE', '/none', 'token'],
    ['JOBWRIGHT_TOKEN', 'forged', 'token'],
  ])('tells a wrong %s', async (setting, value, check) => {
    const report = await examine({ ...env, [setting]: value });
    expect(report).toMatchObject({ ok: false, code: 1 });
    expect(statuses(report)[check]).toBe('problem');
  });

  it('tells an archive root that is no directory', async () => {
    const home = await temporaryHome();
    const file = join(home, 'file');
    await writeFile(file, '');
    const report = await examine({ ...env, JOBWRIGHT_ARCHIVE_ROOT: file });
    expect(statuses(report)).toMatchObject({ archive: 'problem' });
  });
});
