import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem, type } from 'node:os';
import { MongoClient } from 'mongodb';
import { durability } from './context.ts';

/** What the figures depend on; kept beside them. */
export interface Setting {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly mongod: string;
  readonly durability: string;
  readonly commit: string;
}

export async function describeSetting(uri: string): Promise<Setting> {
  const client = await MongoClient.connect(uri);
  try {
    const status = await client.db('admin').command({ serverStatus: 1 });
    const { wiredTiger } = status as { wiredTiger?: { cache?: Record<string, number> } };
    const cache = (wiredTiger?.cache?.['maximum bytes configured'] ?? NaN) / 2 ** 30;
    const memory = Math.round(totalmem() / 2 ** 30);
    return {
      date: new Date().toISOString(),
      machine: `${type()}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'unknown'}, ${memory} GiB`,
      node: `Node ${process.version}`,
      mongod: `mongod ${String(status['version'])} with ${cache.toFixed(2)} GiB of cache`,
      durability,
      commit: commitOf(),
    };
  } finally {
    await client.close();
  }
}

function commitOf(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'machines', 'test/bench') !== '';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'no commit known';
  }
}
