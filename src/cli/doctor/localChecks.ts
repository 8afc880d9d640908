import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readSecrets, type Config } from '../../config.ts';
import type { Io } from '../io.ts';
import { hasSecrets } from '../openTokens.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

const mebibyte = 1024 * 1024;

/** Whether there are secrets and they may be used; which they are is told to nobody. */
export async function checkSecrets(env: Io['env'], { home }: Config): Promise<Finding> {
  if (hasSecrets(env, home)) {
    const keys = await readSecrets({}, home, env);
    const kids = keys.map(({ kid }) => kid).join(', ');
    const isGiven = (env['JOBWRIGHT_SECRETS'] ?? env['JOBWRIGHT_SECRETS_FILE']) !== undefined;
    const from = isGiven ? '' : ` (of ${home}; serve itself needs JOBWRIGHT_SECRETS)`;
    return ok(
      'secrets',
      `${keys.length === 1 ? 'one key' : `${keys.length} keys`}: ${kids}${from}`,
    );
  }
  if ((env['JOBWRIGHT_TOKEN'] ?? env['JOBWRIGHT_TOKEN_FILE']) !== undefined) {
    return ok('secrets', 'none here; a token is given, which is enough to ask a service');
  }
  return problem(
    'secrets',
    'none: neither can the service start here, nor a token be signed',
    'set JOBWRIGHT_SECRETS to <name>:$(openssl rand -base64 32), or give a token in JOBWRIGHT_TOKEN',
  );
}

/** Whether jobs' directories can be made. */
export async function checkArchive({ archiveRoot }: Config): Promise<Finding> {
  const nearest = await nearestExisting(archiveRoot);
  const action = 'make it a directory that this user may write to, or set JOBWRIGHT_ARCHIVE_ROOT';
  if (!(await stat(nearest)).isDirectory()) {
    return problem('archive', `${nearest} is not a directory`, action);
  }
  try {
    await access(nearest, constants.W_OK | constants.X_OK);
  } catch {
    return problem('archive', `${nearest} cannot be written to`, action);
  }
  return ok(
    'archive',
    nearest === archiveRoot ? archiveRoot : `${archiveRoot} is not there yet and can be made`,
  );
}

/** Whether there is room where the archive and an embedded database are. */
export async function checkDisk({ archiveRoot }: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestExisting(archiveRoot));
  const free = (bavail * bsize) / mebibyte;
  const detail = `${free >= 1024 ? `${(free / 1024).toFixed(1)} GiB` : `${Math.floor(free)} MiB`} free at ${archiveRoot}`;
  const action = 'free some space: a full disk stops MongoDB';
  if (free < 100) return problem('disk', detail, action);
  return free < 1024 ? warning('disk', detail, action) : ok('disk', detail);
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? path : nearestExisting(parent);
  }
}
