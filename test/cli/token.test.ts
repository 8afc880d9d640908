import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseSecrets } from '../../src/auth/secrets.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { testDatabase } from '../support/database.ts';
import { runMain, secrets, temporaryHome } from './runMain.ts';

const env = { JOBWRIGHT_SECRETS: secrets };
const tokens = createTokens({ keys: parseSecrets(secrets), now: Date.now });

describe('token', () => {
  it.each(['admin', 'operator', 'reader', 'worker'] as const)(
    'signs one of kind %s with nothing but the secrets',
    async (kind) => {
      const argv = ['token', kind, '--subject', 'ada', '--ttl', '60', '--json'];
      const { code, stdout, stderr } = await runMain(argv, env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { token, expiresAt } = JSON.parse(stdout) as { token: string; expiresAt: string };
      const verified = tokens.verify(token);
      expect(verified.actor).toEqual({ kind, id: 'ada' });
      expect(new Date(expiresAt).getTime()).toBe(verified.expiresAt);
      expect(verified.expiresAt - Date.now()).toBeLessThanOrEqual(61_000);
    },
  );

  it('names who asks, and prints the bare token, where nothing else is said', async () => {
    const { code, stdout, stderr } = await runMain(['token', 'reader'], env);
    expect(code).toBe(0);
    expect(tokens.verify(stdout.trim()).actor).toEqual({ kind: 'reader', id: userInfo().username });
    expect(stderr).toMatch(/^expires 20\d\d-.*Z\n$/);
  });

  it.each(['0', '-5', '1.5', 'soon'])('refuses to live for %s seconds', async (ttl) => {
    expect(await runMain(['token', 'admin', '--ttl', ttl], env)).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  it('says so where a kind may not live for so long', async () => {
    const { code, stderr } = await runMain(['token', 'admin', '--ttl', '99999999'], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^INVALID_DATA: .*ttl/);
  });

  it('takes the secret of the home, but never makes one', async () => {
    const home = await temporaryHome();
    const missing = await runMain(['token', 'admin'], { JOBWRIGHT_HOME: home });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/^INVALID_CONFIGURATION: .*JOBWRIGHT_SECRETS/);
    await writeFile(join(home, 'secret'), `${secrets}\n`, { mode: 0o600 });
    const { stdout } = await runMain(['token', 'admin'], { JOBWRIGHT_HOME: home });
    expect(tokens.verify(stdout.trim()).actor.kind).toBe('admin');
  });

  describe('of a job', () => {
    const { uri, database } = testDatabase();
    const open = async () => {
      const home = await temporaryHome();
      const all = {
        ...env,
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
      return { manager, all };
    };

    it('is good for that job alone, for the events that it names', async () => {
      const { manager, all } = await open();
      await manager.pipelines.put('count');
      const { id } = await manager.setup('pipelineJob', { pipeline: 'count' });
      const argv = ['token', 'job', '--job', id, '--events', 'run, update', '--json'];
      const { code, stdout } = await runMain(argv, all);
      const { token } = JSON.parse(stdout) as { token: string };
      const job = await manager.job(id, { token });
      await job.run().update();
      await expect(job.finish().then(() => undefined)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await manager.close();
      expect(code).toBe(0);
    });

    it('is not to be had where there is no such job', async () => {
      const { manager, all } = await open();
      await manager.close();
      const { code, stderr } = await runMain(['token', 'job', '--job', 'nobody'], all);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^JOB_NOT_FOUND: /);
      expect(await runMain(['token', 'job'], all)).toMatchObject({ code: 2, stdout: '' });
    });
  });
});
