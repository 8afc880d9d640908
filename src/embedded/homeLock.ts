import { randomUUID } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EmbeddedMongoError } from '../errors.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from './processIdentity.ts';

export interface HomeLockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Refuses with EmbeddedMongoError when the lock is not had by then; waits for ever without. */
  readonly limitMilliseconds?: number;
  /** Told once, when another live process holds the lock. */
  readonly onWait?: (holder: ProcessIdentity) => void;
}

/**
 * Runs the work while no other process, and no other caller in this one, holds the lock file.
 * The lock of a killed process is taken over.
 *
 * Two that take over one stale lock at the same instant could both get in. That costs a start that
 * fails and is tried again, never data: mongod locks its own folder.
 */
export const withHomeLock = async <T>(
  path: string,
  work: () => Promise<T>,
  options: HomeLockOptions = {},
): Promise<T> => {
  const claim = await acquire(path, options);
  try {
    removeAbandonedDrafts(path);
    return await work();
  } finally {
    if (readLock(path)?.claim === claim) rmSync(path, { force: true });
  }
};

const heldLock = z.object({ claim: z.string(), pid: z.number().int(), started: z.string() });
type HeldLock = z.infer<typeof heldLock>;

const acquire = async (path: string, options: HomeLockOptions): Promise<string> => {
  const claim = randomUUID();
  const draft = `${path}.${claim}`;
  const deadline = Date.now() + (options.limitMilliseconds ?? Number.POSITIVE_INFINITY);
  let hasWaited = false;
  writeFileSync(draft, JSON.stringify({ claim, ...identifyProcess(process.pid) }), { mode: 0o600 });
  try {
    while (!linkIfAbsent(draft, path)) {
      const holder = readLock(path);
      if (!holder || !isAlive(holder)) {
        removeStale(path, holder?.claim, draft);
        continue;
      }
      if (!hasWaited) options.onWait?.(holder);
      hasWaited = true;
      if (Date.now() >= deadline) {
        throw new EmbeddedMongoError(`process ${holder.pid} holds ${path}`);
      }
      await delay(25, undefined, { signal: options.signal });
    }
    return claim;
  } finally {
    rmSync(draft, { force: true });
  }
};

/** A link makes the lock appear with its content, or not at all. */
const linkIfAbsent = (draft: string, path: string): boolean => {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
};

/** Takes a stale lock aside, and puts it back when it turns out to be a newer one. */
const removeStale = (path: string, claim: string | undefined, draft: string): void => {
  const aside = `${draft}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if (readLock(aside)?.claim !== claim) linkIfAbsent(aside, path);
  rmSync(aside, { force: true });
};

/** What callers left that were killed while they waited. */
const removeAbandonedDrafts = (path: string): void => {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const draft = join(folder, name);
    const holder = readLock(draft);
    if (holder && !isAlive(holder)) rmSync(draft, { force: true });
  }
};

/** Undefined when there is no lock or an unreadable one, which nobody can hold. */
const readLock = (path: string): HeldLock | undefined => {
  try {
    return heldLock.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof z.ZodError) {
      return undefined;
    }
    throw error;
  }
};

const hasCode = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException).code === code;
