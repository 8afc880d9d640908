import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from './contender.ts';
import { findProgram } from './findProgram.ts';
import { onFreePort, startServer } from './serverProcess.ts';
import { NotHere, type StartedServer } from './servers.ts';

/** With every write in a file that is flushed before the answer, or with nothing kept at all. */
export async function startRedis(isDurable: boolean): Promise<StartedServer> {
  const program = findProgram('redis-server');
  if (program === undefined) throw new NotHere('redis-server was not found');
  const directory = await mkdtemp(join(tmpdir(), 'jobwright-bench-redis-'));
  const keep = isDurable ? ['yes', '--appendfsync', 'always'] : ['no'];
  try {
    const { server, end } = await onFreePort(async (port) => {
      const started = await startServer({
        program,
        cwd: directory,
        args: [
          ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
          ...['--save', '', '--maxmemory-policy', 'noeviction', '--appendonly', ...keep],
        ],
        ready: /ready to accept connections/i,
        endWith: 'SIGTERM',
      });
      const server: Server = {
        url: `redis://127.0.0.1:${port}`,
        pid: started.pid,
        version: versionOf(program),
        durability: isDurable
          ? 'appendonly yes, appendfsync always, no snapshots'
          : 'NOT durable: no append-only file, no snapshots',
      };
      return { server, end: started.end };
    });
    return {
      server,
      async close() {
        await end();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

const versionOf = (program: string): string =>
  `Redis ${/v=(\S+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'}`;
