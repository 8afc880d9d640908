import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from './contender.ts';
import { loadPeer } from './installed.ts';

/** What is used of the package `pg`. */
export interface Pg {
  readonly default: {
    readonly Pool: new (options: { connectionString: string; max: number }) => PgPool;
  };
}

export interface PgPool {
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  end(): Promise<void>;
}

export interface Postgres {
  /** Of a database of this trial's own. */
  readonly url: string;
  openPool(max: number): PgPool;
  /** Drops the database. */
  close(): Promise<void>;
}

export async function openPostgres({ url }: Server): Promise<Postgres> {
  const { Pool } = (await loadPeer<Pg>('pg')).default;
  const admin = new Pool({ connectionString: url, max: 1 });
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${name}`);
  const own = new URL(url);
  own.pathname = name;
  return {
    url: own.href,
    openPool: (max) => new Pool({ connectionString: own.href, max }),
    async close() {
      await untilLeft(admin, name);
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

/** A client that is cut off while it ends throws, unheard: so it is given a moment to end. */
async function untilLeft(admin: PgPool, name: string): Promise<void> {
  const sessions = `select count(*)::int as open from pg_stat_activity where datname = '${name}'`;
  const deadline = performance.now() + 5_000;
  while (performance.now() < deadline) {
    if ((await admin.query(sessions)).rows[0]?.['open'] === 0) return;
    await delay(20);
  }
}
