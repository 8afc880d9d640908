import { execFileSync } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Server } from './contender.ts';
import { findProgram } from './findProgram.ts';
import { onFreePort, startServer } from './serverProcess.ts';
import { NotHere, type StartedServer } from './servers.ts';

const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
};

/** PostgreSQL on a fresh directory. As root it runs as the system's user `postgres`, as it demands. */
export async function startPostgres(): Promise<StartedServer> {
  const initdb = findProgram('initdb');
  if (initdb === undefined) throw new NotHere('initdb of PostgreSQL was not found');
  const program = join(dirname(initdb), 'postgres');
  const user = serverUser();
  const directory = await mkdtemp(join(tmpdir(), 'jobwright-bench-postgres-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    if (user) await chown(directory, user.uid, user.gid);
    const as = (args: readonly string[]) => [...(user?.prefix ?? []), ...args];
    const [make = '', ...makeArgs] = as([
      ...[initdb, '--pgdata', directory, '--auth', 'trust', '--username', 'bench'],
      ...['--encoding', 'UTF8', '--no-locale'],
    ]);
    execFileSync(make, makeArgs, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const { server, end } = await onFreePort(async (port) => {
      const [run = '', ...args] = as([program, '-D', directory, '-p', String(port), ...options]);
      const started = await startServer({
        program: run,
        args,
        cwd: directory,
        ready: /ready to accept connections/,
        endWith: 'SIGINT',
      });
      return { server: describe(program, port, started.pid), end: started.end };
    });
    return {
      server,
      async close() {
        await end();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

const describe = (program: string, port: number, pid: number): Server => ({
  url: `postgres://bench@127.0.0.1:${port}/postgres`,
  pid,
  version: `PostgreSQL ${/[\d.]+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown'}`,
  durability: 'fsync on, synchronous_commit on, shared_buffers 1GB, max_wal_size 4GB',
});

interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  /** Runs what follows as that user, in the same process. */
  readonly prefix: readonly string[];
}

/** Whose name it runs under; undefined for this process's own. */
function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const setpriv = findProgram('setpriv');
  if (setpriv === undefined) {
    throw new NotHere('PostgreSQL does not run as root, and setpriv was not found');
  }
  try {
    const [uid, gid] = ['-u', '-g'].map((which) =>
      Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8', stdio: 'pipe' })),
    ) as [number, number];
    const prefix = [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
    return { uid, gid, prefix };
  } catch (cause) {
    throw new NotHere('PostgreSQL does not run as root, and there is no user postgres', { cause });
  }
}
