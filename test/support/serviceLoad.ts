import { MongoClient, type Db } from 'mongodb';
import { expect } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { pipeline } from './arena.ts';
import { checkHistory, type LoggedRequest } from './checkHistory.ts';
import { loggedRequests } from './expectClean.ts';
import type { Attempt } from './jobClient.ts';
import type { Operation } from './operations.ts';
import { createLoad } from './randomLoad.ts';
import { readDatabase, type RawDatabase } from './rawDatabase.ts';
import type { ServiceClient } from './serviceClient.ts';
import type { ServiceSettings, ServiceTokens } from './serviceProcess.ts';
import { waitUntil } from './waitUntil.ts';

/** Clients that go on asking until they are told to stop. */
export interface ServiceLoad {
  readonly attempts: readonly Attempt[];
  /** Requests whose answer is outstanding. */
  readonly open: readonly Attempt[];
  /** Resolves once so many more requests are acknowledged. */
  acknowledged(count: number): Promise<void>;
  /** The longest time without an acknowledgement since this was last called, in milliseconds. */
  longestSilence(): number;
  /** Resolves once every request that was begun is answered. */
  stop(): Promise<void>;
}

/** Starts clients that ask what comes to mind of a few jobs, which are made first. */
export async function startRandomLoad(
  client: ServiceClient,
  { operator: token }: ServiceTokens,
  options: { readonly clients: number; readonly jobs: number; readonly random: () => number },
): Promise<ServiceLoad> {
  await client.ask('PUT', `/v1/pipelines/${pipeline}`, { token, body: { name: 'weather' } });
  const asked = { ask: async (each: Operation) => (await client.perform(each)).outcome };
  const { next } = await createLoad(asked, options.jobs, options.random);
  return startLoad(client, options.clients, next);
}

/** Starts clients that each do one operation after the other. */
export function startLoad(
  client: ServiceClient,
  clients: number,
  next: () => Operation,
): ServiceLoad {
  const attempts: Attempt[] = [];
  const waiting: { left: number; resolve: () => void }[] = [];
  let isStopping = false;
  const open = new Set<Attempt>();
  let last = performance.now();
  let longest = 0;
  const measure = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const hear = ({ outcome }: Attempt): void => {
    if (!outcome?.ok) return;
    measure();
    for (const each of waiting) {
      each.left -= 1;
      if (each.left === 0) each.resolve();
    }
  };
  const run = async (): Promise<void> => {
    while (!isStopping) {
      const attempt: Attempt = { operation: next(), outcome: undefined, isRepeated: false };
      attempts.push(attempt);
      open.add(attempt);
      Object.assign(attempt, await client.perform(attempt.operation));
      open.delete(attempt);
      hear(attempt);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, run));
  // Whoever waits for an acknowledgement is told of a failure, too.
  const failed = running.then(() => undefined);
  failed.catch(() => undefined);
  return {
    attempts,
    get open() {
      return [...open];
    },
    acknowledged: (left) =>
      Promise.race([failed, new Promise<void>((resolve) => waiting.push({ left, resolve }))]),
    longestSilence() {
      measure();
      const found = longest;
      longest = 0;
      return found;
    },
    async stop() {
      isStopping = true;
      await running;
    },
  };
}

/** What a run came to, once nothing was found missing or doubled. */
export interface Kept {
  readonly entries: number;
  readonly acknowledged: number;
}

/**
 * Waits until all consequences are written, then holds every answer against the log: each acknowledged
 * request is there once, with the entries that it was answered; each refused one is not; `verify` agrees.
 */
export async function expectKept(
  settings: ServiceSettings,
  attempts: readonly Attempt[],
  withinMs = 30_000,
): Promise<Kept> {
  const outcomes = attempts.map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === undefined)).toEqual([]);
  // Whatever is refused is refused for a reason that the client can act on.
  expect(outcomes.filter((outcome) => !outcome?.ok && outcome?.code === 'INTERNAL')).toEqual([]);
  const database = await settledDatabase(settings, loggedRequests(attempts), withinMs);
  expect(missingEntries(database, attempts)).toEqual([]);
  await expectVerified(settings);
  return {
    entries: database.commits.reduce((sum, { entries }) => sum + entries.length, 0),
    acknowledged: outcomes.filter((outcome) => outcome?.ok).length,
  };
}

/** Opens the database as a library would, and proves its promises. */
export async function expectVerified({ uri, ...settings }: ServiceSettings): Promise<void> {
  const manager = await JobManager.open({ mongodb: uri, ...settings, logLevel: 'silent' });
  try {
    const { problems, ok } = await manager.verify();
    expect({ problems, ok }).toEqual({ problems: [], ok: true });
  } finally {
    await manager.close();
  }
}

function settledDatabase(
  settings: ServiceSettings,
  log: readonly LoggedRequest[],
  withinMs: number,
): Promise<RawDatabase> {
  return withDb(settings, async (db) => {
    let found = await readDatabase(db);
    const look = async (): Promise<string | true> => {
      found = await readDatabase(db);
      const problems = checkHistory(found, { log });
      return problems.length === 0 ? true : problems.slice(0, 20).join('\n');
    };
    await waitUntil('the database settles', look, withinMs, 200);
    return found;
  });
}

/** How many of these requests are in the log, whether or not their answer arrived. */
export const countWritten = (
  settings: ServiceSettings,
  attempts: readonly Attempt[],
): Promise<number> =>
  withDb(settings, (db) => {
    const wanted = loggedRequests(attempts).map(({ job, key }) => ({ '_id.job': job, keys: key }));
    return wanted.length === 0
      ? Promise.resolve(0)
      : db.collection('commits').countDocuments({ $or: wanted });
  });

async function withDb<Result>(
  { uri, database }: Pick<ServiceSettings, 'uri' | 'database'>,
  work: (db: Db) => Promise<Result>,
): Promise<Result> {
  const client = await new MongoClient(uri).connect();
  try {
    return await work(client.db(database));
  } finally {
    await client.close();
  }
}

/** Entries that were answered and are not in the log at that place with that hash. */
function missingEntries({ commits }: RawDatabase, attempts: readonly Attempt[]): string[] {
  const written = new Set(
    commits.flatMap(({ job, seq, entries }) =>
      entries.map(({ hash }, index) => `${job} ${seq + index} ${hash}`),
    ),
  );
  return attempts.flatMap(({ outcome }) => {
    if (!outcome?.ok) return [];
    const { job, entries } = outcome;
    return entries
      .map(({ seq, hash }) => `${job} ${seq} ${hash}`)
      .filter((entry) => !written.has(entry));
  });
}
