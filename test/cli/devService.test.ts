import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { bundleForChild } from '../support/childProcess.ts';
import { testDatabase } from '../support/database.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { secrets, temporaryHome } from './runMain.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describe('dev on a terminal', () => {
  const { uri, database } = testDatabase();

  it('goes on as a service with tokens to try, until it is interrupted', async () => {
    const interrupted = new AbortController();
    let printed = '';
    const ended = main(['dev'], {
      stdout: { write: (text: string) => (printed += text), isTTY: true },
      stderr: { write: () => true },
      env: {
        JOBWRIGHT_SECRETS: secrets,
        JOBWRIGHT_MONGODB_URI: uri,
        JOBWRIGHT_DATABASE: database,
        JOBWRIGHT_HOME: await temporaryHome(),
        JOBWRIGHT_PORT: '0',
        NO_COLOR: '1',
        JOBWRIGHT_LOG_LEVEL: 'silent',
      },
      signal: interrupted.signal,
      program: await bundleForChild(entry),
    });
    await waitUntil('the service', async () => printed.includes('Ctrl-C') || printed, 60_000);
    const [, url = ''] = /listening +(\S+)/.exec(printed) ?? [];
    const [, token = ''] = /operator token +(\S+)/.exec(printed) ?? [];
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const answer = await fetch(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
    const { jobs } = (await answer.json()) as { jobs: unknown[] };
    expect(jobs).toHaveLength(5);
    interrupted.abort();
    expect(await ended).toBe(0);
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  });
});
