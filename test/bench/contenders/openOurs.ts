import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobManager } from '../../../src/jobs/jobManager.ts';
import type { Limits } from '../../../src/limits.ts';
import { openMongo, type Mongo } from './openMongo.ts';

export interface Ours extends Mongo {
  readonly manager: JobManager;
}

export interface OursOptions {
  readonly makeDirectories?: boolean;
  readonly limits?: Partial<Limits>;
}

/** The engine on a database and a directory of its own, with the pipeline `bench`. */
export async function openOurs(url: string, options: OursOptions = {}): Promise<Ours> {
  const mongo = await openMongo({ url });
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-'));
  const manager = await JobManager.open({
    mongodb: url,
    database: mongo.db.databaseName,
    secrets: `k1:${randomBytes(32).toString('base64')}`,
    home,
    archiveRoot: join(home, 'archive'),
    logLevel: 'silent',
    ...options,
  });
  await manager.pipelines.put('bench', { name: 'Benchmark' });
  return {
    ...mongo,
    manager,
    async close() {
      await manager.close();
      await mongo.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
